// navigator.gpu over nothing: what each call of requestAdapter shall give in, adapters and their devices out.
import { FakeDevice } from './device.ts';
import { type Habits, HONEST } from './habits.ts';
import type { FakeTime } from './time.ts';

/** null: no adapter. The last entry goes on for ever. */
export type Answers = readonly (Partial<Habits> | null)[];

export class FakeGpu {
  readonly devices: FakeDevice[] = [];
  asked = 0;

  constructor(
    readonly time: FakeTime,
    readonly answers: Answers,
  ) {}

  /** As the app's types have it. */
  get gpu(): GPU {
    return this as unknown as GPU;
  }

  async requestAdapter() {
    const given = this.answers[Math.min(this.asked++, this.answers.length - 1)];
    if (!given) return null;
    const habits: Habits = { ...HONEST, ...given };
    return {
      info: habits.info,
      limits: {
        ...habits.limits,
        ...{ maxComputeWorkgroupStorageSize: 16384, maxComputeInvocationsPerWorkgroup: 256 },
      },
      features: new Set<string>(),
      requestDevice: async () => {
        const device = new FakeDevice(this.time, habits);
        this.devices.push(device);
        return device.gpu;
      },
    };
  }
}

// navigator.gpu over nothing: what each call of requestAdapter shall give in, adapters and their devices out.
import { FakeDevice } from './device.ts';
import { type Habits, HONEST } from './habits.ts';
import type { FakeTime } from './time.ts';

/** null: no adapter; 'no device': one whose process has just gone. The last entry goes on for ever. */
export type Answers = readonly (Partial<Habits> | null | 'no device')[];

/** For so long Chrome refuses graphics to an origin, counted from the older of two losses. */
const BLOCKED_MS = 120_000;

export class FakeGpu {
  readonly devices: FakeDevice[] = [];
  /** When requestAdapter was called. */
  readonly asked: number[] = [];
  #given = 0;

  /** @param blocks whether it holds graphics back after two losses within two minutes, as Chrome does. */
  constructor(
    readonly time: FakeTime,
    readonly answers: Answers,
    readonly blocks = false,
  ) {}

  /** As the app's types have it. */
  get gpu(): GPU {
    return this as unknown as GPU;
  }
  get blocked(): boolean {
    const losses = this.devices.flatMap(({ lostAt }) => lostAt ?? []).sort((a, b) => b - a);
    const older = losses[1];
    return this.blocks && older !== undefined && this.time.ms - older < BLOCKED_MS;
  }

  async requestAdapter() {
    this.asked.push(this.time.ms);
    if (this.blocked) return null;
    const given = this.answers[Math.min(this.#given++, this.answers.length - 1)];
    if (!given) return null;
    const habits: Habits = { ...HONEST, ...(given === 'no device' ? {} : given) };
    return {
      info: habits.info,
      limits: {
        ...habits.limits,
        ...{ maxComputeWorkgroupStorageSize: 16384, maxComputeInvocationsPerWorkgroup: 256 },
      },
      features: new Set<string>(),
      requestDevice: async () => {
        if (given === 'no device') throw new DOMException('the adapter is gone', 'OperationError');
        const device = new FakeDevice(this.time, habits);
        this.devices.push(device);
        return device.gpu;
      },
    };
  }
}

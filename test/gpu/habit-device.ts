// Dawn's device and bad habits in; the same device with them out: memory that is refused, answers that come late, submits that are dropped, losses at
// any call. What it computes is real.

export interface DawnHabits {
  /** Bytes that there is room for. */
  capacity?: number;
  /** The n-th buffer is refused. */
  refuseAt?: number;
  /** `onSubmittedWorkDone` and `mapAsync` answer at such ticks only. */
  answersEveryMs?: number;
  /** The n-th submit is dropped, and its error told so many ms later to whoever listens. */
  lateError?: { submit: number; afterMs: number };
  /** Lost at its n-th call; `toldMs` later `lost` says so. */
  loss?: { call: number; toldMs: number };
}

export interface HabitDevice {
  device: GPUDevice;
  live: number; // bytes
  buffers: number;
  submits: number;
  calls: number;
  dropped: boolean;
  isLost: boolean;
}

const COUNTED = ['createBuffer', 'createBindGroup', 'createCommandEncoder', 'popErrorScope', 'createShaderModule'];

/** A proxy: Dawn's own objects are left as they are, but for the buffers that are made through it. */
export function habitDevice(real: GPUDevice, habits: DawnHabits = {}): HabitDevice {
  const {
    capacity = Number.POSITIVE_INFINITY,
    refuseAt = Number.POSITIVE_INFINITY,
    answersEveryMs,
    lateError,
  } = habits;
  const refused: boolean[] = [];
  const listeners = new EventTarget();
  let tell: (info: GPUDeviceLostInfo) => void = () => {};
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
    tell = resolve;
  });
  void real.lost.then((info) => {
    if (!state.isLost) tell(info);
  });
  const call = (): void => {
    state.calls++;
    if (!habits.loss || state.isLost || state.calls < habits.loss.call) return;
    state.isLost = true;
    real.destroy();
    setTimeout(() => tell({ reason: 'unknown', message: 'reset' } as GPUDeviceLostInfo), habits.loss.toldMs);
  };
  const answered = async <T>(work: Promise<T>): Promise<T> => {
    const answer = await work;
    if (answersEveryMs) {
      const rest = answersEveryMs - (performance.now() % answersEveryMs);
      await new Promise((wake) => setTimeout(wake, rest));
    }
    return answer;
  };
  const { queue } = real;
  const onQueue: Record<string, unknown> = {
    submit(commands: GPUCommandBuffer[]) {
      call();
      if (commands.length > 0 && ++state.submits === lateError?.submit) {
        state.dropped = true;
        const event = Object.assign(new Event('uncapturederror'), { error: { message: 'a submit was dropped' } });
        setTimeout(() => listeners.dispatchEvent(event), lateError.afterMs);
      } else queue.submit(commands);
    },
    onSubmittedWorkDone() {
      call();
      return answered(queue.onSubmittedWorkDone());
    },
    writeBuffer(...write: Parameters<GPUQueue['writeBuffer']>) {
      call();
      queue.writeBuffer(...write);
    },
  };
  const onDevice: Record<string, unknown> = {
    lost,
    queue: new Proxy(queue, { get: (_, name) => onQueue[name as string] ?? bound(queue, name) }),
    addEventListener(...listening: Parameters<EventTarget['addEventListener']>) {
      listeners.addEventListener(...listening);
    },
    pushErrorScope(filter: GPUErrorFilter) {
      call();
      refused.push(false);
      real.pushErrorScope(filter);
    },
    async popErrorScope() {
      call();
      const here = refused.pop();
      const error = await real.popErrorScope();
      return here ? ({ message: 'no room' } as GPUOutOfMemoryError) : error;
    },
    createBuffer(descriptor: GPUBufferDescriptor) {
      call();
      const no = ++state.buffers >= refuseAt || state.live + descriptor.size > capacity;
      if (no && refused.length > 0) refused[refused.length - 1] = true;
      else if (no) throw new Error(`${descriptor.label} was asked for outside an out-of-memory scope`);
      const buffer = real.createBuffer(descriptor);
      if (!no) state.live += descriptor.size;
      let gone = false;
      const [destroy, map] = [buffer.destroy.bind(buffer), buffer.mapAsync.bind(buffer)];
      buffer.destroy = () => {
        if (!no && !gone) state.live -= descriptor.size;
        gone = true;
        return destroy();
      };
      buffer.mapAsync = (...asked) => answered(map(...asked));
      return buffer;
    },
  };
  const device = new Proxy(real, {
    get(_, name) {
      if (name in onDevice) return onDevice[name as string];
      if (COUNTED.includes(name as string)) call();
      return bound(real, name);
    },
  });
  const state: HabitDevice = { device, live: 0, buffers: 0, submits: 0, calls: 0, dropped: false, isLost: false };
  return state;
}

function bound(of: object, name: string | symbol): unknown {
  const value = Reflect.get(of, name);
  return typeof value === 'function' ? value.bind(of) : value;
}

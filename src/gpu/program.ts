// program: a plan and the buffers it was planned for → commands that are encoded again and again. Nothing is allocated after this.
import type { Launch } from '../graph/op.ts';
import type { Plan, Region } from '../plan/plan.ts';
import { dimsTable } from '../plan/programs.ts';
import type { Lane } from './lane.ts';
import type { Pipelines } from './pipelines.ts';

interface Command {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
  readonly flops: number;
}

export class Program {
  readonly commands: readonly Command[];
  /** For tests: encodes something between two dispatches. Each then has a pass of its own. */
  afterDispatch: ((encoder: GPUCommandEncoder, index: number) => void) | undefined;

  /**
   * @param dims a uniform buffer of `dimsTable(plan).bytes`.
   * @param buffer by Region.buffer: `arena:0`, `weight:conv_in.weight`, `lora` …
   */
  constructor(
    readonly device: GPUDevice,
    readonly plan: Plan,
    pipelines: Pipelines,
    dims: GPUBuffer,
    buffer: (name: string) => GPUBuffer,
    readonly lane: Lane,
  ) {
    const table = dimsTable(plan);
    const words = new DataView(new ArrayBuffer(table.bytes));
    this.commands = plan.dispatches.map(({ launch, bindings }) => {
      const offset = table.index.get(JSON.stringify(launch.dims)) as number;
      const values = Object.values(launch.dims);
      for (const [i, v] of values.entries()) {
        if (typeof v === 'number') words.setUint32(offset + 4 * i, v, true);
        else words.setFloat32(offset + 4 * i, v.f32, true);
      }
      const { pipeline, layout } = pipelines.get(launch);
      const bindGroup = device.createBindGroup({
        layout,
        entries: [
          ...(values.length > 0 ? [{ binding: 0, resource: { buffer: dims, offset, size: dimsSize(launch) } }] : []),
          ...bindings.map((b, i) => ({
            binding: i + 1,
            resource: { buffer: buffer(b.buffer), offset: b.offset, size: b.bytes },
          })),
        ],
      });
      return { pipeline, bindGroup, workgroups: launch.workgroups, flops: launch.flops };
    });
    device.queue.writeBuffer(dims, 0, words.buffer);
  }

  /** Where an input or output lies in the `io` buffer. */
  io(name: string): Region {
    const region = this.plan.io.get(name);
    if (!region)
      throw new Error(`this program has no input or output "${name}"; it has ${[...this.plan.io.keys()].join(', ')}`);
    return region;
  }

  /**
   * Submits the whole list in pieces as large as the pace allows, each when there is room for it; `last` adds copies to the final one.
   * Resolves when the last is submitted. @throws the signal's reason, with the pieces that are left not submitted.
   */
  async submit(last?: (encoder: GPUCommandEncoder) => void, signal?: AbortSignal): Promise<void> {
    for (let at = 0; at < this.commands.length; ) {
      const end = this.lane.pace.pieceEnd(this.commands, at);
      const flops = this.commands.slice(at, end).reduce((sum, c) => sum + c.flops, 0);
      const work = { flops, dispatches: end - at };
      await this.lane.room(work, signal);
      const encoder = this.device.createCommandEncoder();
      this.encode(encoder, at, end);
      if (end === this.commands.length) last?.(encoder);
      this.lane.submit([encoder.finish()], work);
      at = end;
    }
  }

  /** A pass with the commands of a piece; a pipeline is set only when it changes. */
  encode(encoder: GPUCommandEncoder, from = 0, end = this.commands.length): void {
    let pass = encoder.beginComputePass();
    let set: GPUComputePipeline | undefined;
    for (let at = from; at < end; at++) {
      const c = this.commands[at] as Command;
      if (c.pipeline !== set) pass.setPipeline(c.pipeline);
      set = c.pipeline;
      pass.setBindGroup(0, c.bindGroup);
      pass.dispatchWorkgroups(...c.workgroups);
      if (this.afterDispatch) {
        pass.end();
        this.afterDispatch(encoder, at);
        pass = encoder.beginComputePass();
        set = undefined;
      }
    }
    pass.end();
  }
}

const dimsSize = (launch: Launch): number => 4 * Object.keys(launch.dims).length;

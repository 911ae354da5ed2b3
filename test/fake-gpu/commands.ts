// A fake GPU's encoders: calls in, a list of commands out that the queue carries out at submit.
import type { FakeBuffer } from './buffers.ts';

export interface FakePipeline {
  label: string;
  code: string;
  /** Kernels' own names for their bindings that they write, by binding. */
  writes: ReadonlySet<number>;
  getBindGroupLayout(): object;
}
export interface FakeBindGroup {
  entries: readonly { binding: number; buffer: FakeBuffer; offset: number; size: number }[];
  /** A program's dispatches, counted as its bind groups are made. */
  place: { program: string; index: number } | null;
}
export type Command =
  | { kind: 'dispatch'; pipeline: FakePipeline; group: FakeBindGroup; workgroups: readonly number[] }
  | { kind: 'copy'; from: FakeBuffer; fromOffset: number; to: FakeBuffer; toOffset: number; size: number }
  | { kind: 'clear'; buffer: FakeBuffer };

export class FakeEncoder {
  readonly commands: Command[] = [];

  beginComputePass() {
    let pipeline: FakePipeline | undefined;
    let group: FakeBindGroup | undefined;
    return {
      setPipeline(p: FakePipeline) {
        pipeline = p;
      },
      setBindGroup(_: number, g: FakeBindGroup) {
        group = g;
      },
      dispatchWorkgroups: (...workgroups: number[]) => {
        if (!pipeline || !group) throw new Error('a dispatch without a pipeline or its bindings');
        this.commands.push({ kind: 'dispatch', pipeline, group, workgroups });
      },
      end() {},
    };
  }
  copyBufferToBuffer(from: FakeBuffer, fromOffset: number, to: FakeBuffer, toOffset: number, size: number): void {
    this.commands.push({ kind: 'copy', from, fromOffset, to, toOffset, size });
  }
  clearBuffer(buffer: FakeBuffer): void {
    this.commands.push({ kind: 'clear', buffer });
  }
  finish(): Command[] {
    return this.commands;
  }
}

/** Every buffer that a command touches. */
export function* buffersOf(command: Command): Generator<FakeBuffer> {
  if (command.kind === 'dispatch') for (const { buffer } of command.group.entries) yield buffer;
  else if (command.kind === 'clear') yield command.buffer;
  else yield* [command.from, command.to];
}

// inputs: what is asked of the U-Net, as diffusers has it → the io buffer, as the engine has it.
import { IO } from '../model/graphs.ts';
import { timestepEmbedding } from '../model/time-features.ts';
import type { EngineOptions } from './engine-plan.ts';
import type { UNetInputs } from './engine-types.ts';
import { type LatentDims, latentsToNhwc } from './latents.ts';
import type { Program } from './program.ts';

/** What one run of a program reads; a batch has a timestep each. */
export type ProgramInputs = UNetInputs & { target?: Float32Array; weight?: number; timesteps?: readonly number[] };

export const latentsOf = ({ batch, config, height, width }: EngineOptions): LatentDims => ({
  ...{ batch: batch ?? 1, channels: config.inChannels, height, width },
});

/** Writes a program's inputs. Queue order keeps them apart from runs already submitted. @throws Error naming an input of another size. */
export function writeInputs(
  program: Program,
  io: GPUBuffer,
  options: EngineOptions,
  inputs: ProgramInputs,
  strength: number,
): void {
  const put = (name: string, values: Float32Array): void => {
    const region = program.io(name);
    if (values.byteLength !== region.bytes)
      throw new Error(`${name}: expected ${region.bytes / 4} values, got ${values.length}`);
    program.device.queue.writeBuffer(io, region.offset, values as Float32Array<ArrayBuffer>);
  };
  const dim = options.config.blockOutChannels[0] as number;
  const timesteps = inputs.timesteps ?? [inputs.timestep];
  const features = timesteps.map((t) => timestepEmbedding(t, dim, { flipSinToCos: true, freqShift: 0 }));
  const latents = latentsOf(options);
  put(IO.sample, latentsToNhwc(inputs.sample, latents));
  put(IO.timeFeatures, Float32Array.from(features.flatMap((f) => [...f])));
  put(IO.encoderHiddenStates, inputs.encoderHiddenStates);
  if (inputs.target && program.plan.io.has(IO.target)) put(IO.target, latentsToNhwc(inputs.target, latents));
  if (program.plan.io.has(IO.lossWeight)) put(IO.lossWeight, Float32Array.of(inputs.weight ?? 1));
  if (options.rank > 0) put(IO.loraScale, new Float32Array([(options.alpha / options.rank) * strength]));
}

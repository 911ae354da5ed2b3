// A model's files in; everything that is read of it once — tokenizer, noise schedule, encoders, VAE, engines, sizes — out.

import { type BaseModel, baseModelOf } from '../adapter/base-model.ts';
import { type NoiseSchedule, noiseSchedule } from '../diffusion/noise-schedule.ts';
import { guessPrediction } from '../diffusion/prediction.ts';
import type { EncoderFiles } from '../encoders/encoders.ts';
import { textRam } from '../encoders/ram.ts';
import { loadTokenizer, type Tokenizer } from '../encoders/tokenizer.ts';
import { familyOf } from '../files/checkpoint/configs.ts';
import type { LoraModule } from '../gpu/engine-types.ts';
import { parseUNetConfig } from '../model/config.ts';
import { TEXT_TOKENS } from '../model/graphs.ts';
import { downscaleOf, readVaeConfig } from '../model/vae-config.ts';
import type { OnProgress } from '../progress.ts';
import type { ModelInfo } from '../storage/model-records.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';
import type { Targets } from '../training/settings.ts';
import { Trouble } from '../trouble.ts';
import type { Canvas } from './drawing.ts';
import { encoderRoom } from './encoder-room.ts';
import { type EngineRoom, engineRoom, namesOf } from './engine-room.ts';
import type { Timings } from './timings.ts';
import { everyModule, modulesOf, type UNetFiles, unetEngines } from './unet-engines.ts';

/** A diffusers folder, wherever it lies. Paths as in the folder: `unet/config.json`. */
export interface ModelFiles {
  readonly info: Omit<ModelInfo, 'resolution' | 'sizes'>;
  json(path: string): Promise<unknown>;
  text(path: string): Promise<string>;
  tensors(path: string): Promise<TensorSource>;
}
export interface ModelSession {
  info: ModelInfo;
  tokenizer: Tokenizer;
  canvas: Canvas;
  unet: UNetFiles;
  engines: EngineRoom;
  /** Those that a run trains. */
  modulesFor(targets: Targets): readonly LoraModule[];
  /** Those that an adapter of another program may change. */
  everyModule(): readonly LoraModule[];
  /** What the files of its adapters say of it. */
  base(): BaseModel;
  /** Frees what it has on the graphics card; the next engine brings it back. Not while anything is drawn or trained. */
  letGo(): void;
  close(): Promise<void>;
}

/**
 * Reads configs and headers; no weights yet. Whatever is not of the family is refused here, by name, before anything is downloaded to the GPU.
 * `onGpuProgress` hears of weights going up and kernels being compiled, whenever an engine is made.
 */
export async function modelSession(
  files: ModelFiles,
  onGpuProgress: OnProgress,
  timings: Timings,
): Promise<ModelSession> {
  const unetConfig = await files.json('unet/config.json');
  const vaeConfig = readVaeConfig(await files.json('vae/config.json'));
  const config = parseUNetConfig(unetConfig);
  const noiseConfig = (await files.json('scheduler/scheduler_config.json')) as Record<string, unknown>;
  const schedule: { -readonly [K in keyof NoiseSchedule]: NoiseSchedule[K] } = noiseSchedule(noiseConfig);
  // A checkpoint that does not say what it predicts is asked once, with its first engine. All who hold the schedule see it. Those that are fetched
  // predict ε; Stable Diffusion 1.5's scheduler is older than the word for it.
  let guess = (noiseConfig.prediction_type ?? null) === null && !EPSILON_MODELS.includes(files.info.id);
  const usual = familyOf(config) === 'sd1' ? 'epsilon' : 'v_prediction';
  const tokenizer = loadTokenizer(
    await files.text('tokenizer/vocab.json'),
    await files.text('tokenizer/merges.txt'),
    await files.json('tokenizer/tokenizer_config.json'),
  );
  const encoderFiles: EncoderFiles = {
    config: await files.json('text_encoder/config.json'),
    tensors: await files.tensors('text_encoder/model.safetensors'),
  };
  const encoders = encoderRoom(encoderFiles, tokenizer);
  const { textWidth } = await encoders.open();
  const downscale = downscaleOf(vaeConfig);
  if (textWidth !== config.crossAttentionDim)
    throw new Trouble('not-this-family', {
      key: 'cross_attention_dim',
      expected: `the text encoder's width, ${textWidth}`,
      got: String(config.crossAttentionDim),
    });
  const resolution = sampleSize(unetConfig) * downscale;
  const sizes = sizesOf(resolution, downscale * 2 ** (config.blockOutChannels.length - 1));
  const tensors = await files.tensors('unet/diffusion_pytorch_model.safetensors');
  const unet: UNetFiles = { config, tensors, downscale, sizes };
  const known = new Map<Targets, readonly LoraModule[]>();
  const modulesFor = (targets: Targets): readonly LoraModule[] => {
    const modules = known.get(targets) ?? modulesOf(unet, namesOf[targets]);
    known.set(targets, modules);
    return modules;
  };
  const gpu = unetEngines(unet, onGpuProgress);
  const engines = engineRoom(async (spec) => {
    const engine = await gpu.build(spec);
    if (!guess) return engine;
    const [nothing] = (await encoders.textStates([''])) as [Float32Array];
    const tokens = spec.textTokens ?? TEXT_TOKENS;
    const prompt = Float32Array.from({ length: tokens * textWidth }, (_, i) => nothing[i % nothing.length] as number);
    schedule.predictionType = await guessPrediction(engine, schedule, prompt, 4 * (spec.size / downscale) ** 2, usual);
    guess = false;
    return engine;
  });
  const letGo = (): void => {
    engines.close();
    gpu.close();
  };
  const vaeFiles = { config: vaeConfig, tensors: await files.tensors('vae/diffusion_pytorch_model.safetensors') };
  const vae = gpu.vae(vaeFiles, engines.lend);
  return {
    info: { ...files.info, resolution, sizes },
    tokenizer,
    canvas: { encoders, vae, schedule, downscale, textWidth, sizes, textRam: textRam(encoderFiles), timings },
    unet,
    engines,
    modulesFor,
    everyModule: () => everyModule(unet),
    base: () =>
      baseModelOf(
        files.info,
        config,
        guess ? null : schedule.predictionType,
        noiseConfig.rescale_betas_zero_snr === true,
      ),
    letGo,
    async close() {
      letGo();
      await encoders.close();
    },
  };
}

const EPSILON_MODELS = ['demo', 'sd15'];

/** What is offered below a model's own resolution, px; the demo is a miniature, and so are its sizes. */
const SMALLER = [64, 256, 384, 512];

/**
 * px, smallest first: every level of the U-Net must halve evenly. Far below what a model learned it draws nothing recognisable, so nothing
 * under a third is offered.
 */
export const sizesOf = (resolution: number, multiple: number): number[] => [
  ...SMALLER.filter((size) => size < resolution && size >= resolution / 3 && size % multiple === 0),
  resolution,
];

/** Latent pixels each way that the U-Net was trained at; diffusers' default where config.json does not say is 64 in every SD 1.x. */
function sampleSize(config: unknown): number {
  const size = (config as { sample_size?: unknown }).sample_size ?? 64;
  if (typeof size === 'number' && Number.isInteger(size) && size > 0) return size;
  throw new Trouble('not-this-family', { key: 'sample_size', expected: 'one whole number', got: JSON.stringify(size) });
}

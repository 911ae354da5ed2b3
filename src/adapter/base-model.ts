// What is known of the model an adapter was trained on in; the strings by which A1111, Forge, ComfyUI and their managers know it out.
import { type Family, familyOf } from '../files/checkpoint/configs.ts';

/** Kept with the adapter: another model may be open when its file is written, or this one be deleted. */
export interface BaseModel {
  name: string; // 'Stable Diffusion 1.5', or what the checkpoint was called
  family: Family | 'demo';
  predictionType: 'epsilon' | 'v_prediction' | null; // null: nobody has said, and nothing was drawn with it yet
  hashes?: { sha256: string; legacy: string }; // of the single file it came in
  zeroTerminalSnr?: true;
}

/** The demo model must not pass for SD 1: an adapter for it does nothing good there. */
export const demoBaseModel: BaseModel = { name: 'Darkroom demo model', family: 'demo', predictionType: 'epsilon' };

/** The model of this id and name, by its U-Net's config and what it predicts. */
export const baseModelOf = (
  { id, name, hashes }: { id: string; name: string; hashes?: BaseModel['hashes'] },
  unet: Parameters<typeof familyOf>[0],
  predictionType: BaseModel['predictionType'],
  zeroTerminalSnr = false,
): BaseModel =>
  id === 'demo'
    ? demoBaseModel
    : {
        ...{ name, family: familyOf(unet), predictionType },
        ...(hashes && { hashes }),
        ...(zeroTerminalSnr && { zeroTerminalSnr }),
      };

/** What the file says of its base, in sd-scripts' and modelspec's words. What is not known is left out rather than guessed. */
export function baseMetadata(base: BaseModel | null): Record<string, string> {
  if (!base) return {};
  const { name, family, predictionType, hashes, zeroTerminalSnr } = base;
  const [version, architecture] = wordsOf(base);
  return {
    ss_v2: family === 'sd2' ? 'True' : 'False',
    ss_sd_model_name: name,
    ...(hashes && { ss_sd_model_hash: hashes.legacy, ss_new_sd_model_hash: hashes.sha256 }),
    ...(zeroTerminalSnr && { ss_zero_terminal_snr: 'True' }),
    ...(version && { ss_base_model_version: version }),
    ...(architecture && { 'modelspec.architecture': `${architecture}/lora` }),
    ...(predictionType && { 'modelspec.prediction_type': predictionType === 'epsilon' ? 'epsilon' : 'v' }),
  };
}

/** kohya's ss_base_model_version and modelspec's architecture. */
function wordsOf({ family, predictionType }: BaseModel): [version: string | null, architecture: string | null] {
  const v = predictionType === 'v_prediction';
  if (family === 'demo') return ['darkroom_demo', 'darkroom-demo'];
  if (predictionType === null) return [null, family === 'sd1' ? 'stable-diffusion-v1' : null];
  const version = `sd_${family === 'sd1' ? 'v1' : 'v2'}${v ? '_v' : ''}`;
  if (family === 'sd1') return [version, 'stable-diffusion-v1'];
  return [version, v ? 'stable-diffusion-v2-768-v' : 'stable-diffusion-v2-512'];
}

const KEPT = [
  'ss_v2',
  'ss_base_model_version',
  'ss_sd_model_name',
  'ss_sd_model_hash',
  'ss_new_sd_model_hash',
  'ss_clip_skip',
  'modelspec.architecture',
  'modelspec.prediction_type',
];
const MAX_KEPT = 200;

/** What a file of somebody else's says of its base: handed on when it is written again. */
export const saidOfBase = (metadata: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    KEPT.flatMap((key) => {
      const said = metadata[key];
      return said !== undefined && said.length <= MAX_KEPT ? [[key, said]] : [];
    }),
  );

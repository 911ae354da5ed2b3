// One .safetensors file in LDM layout in; the tensors of its three models by their diffusers names, and what it says of its target, out.
import type { SafetensorsFile } from '../safetensors.ts';
import { damaged } from '../safetensors-header.ts';
import type { Prediction } from './configs.ts';
import { textNames, vaeLevels, vaeName } from './ldm-encoder-names.ts';
import { fromTwinName, resnetsPerBlock, unetName } from './ldm-unet-names.ts';
import { refuseByInputs, refuseByNames, refuseParts } from './refusals.ts';
import { TensorMap, type Weights } from './stored.ts';

const MODELS = ['diffusion_model', 'first_stage_model', 'cond_stage_model', 'model_ema'] as const;
type LdmModel = (typeof MODELS)[number];
type Keys = Map<string, string>; // name within the model → key in the file

/** What a file tells of the noise it was trained with. */
export interface Said {
  prediction: Prediction;
  zeroTerminalSnr: boolean; // an empty tensor `ztsnr`
}

/** Trouble 'not-a-checkpoint' for another kind of file, 'file-damaged' for a name that stands for two tensors. */
export function readSingleFile(file: SafetensorsFile): { weights: Weights; said: Said } {
  const keys = file.keys();
  const models = byModel(file);
  const named = models.diffusion_model.size > 0 ? models.diffusion_model : twins(models.model_ema);
  const input = named.get('input_blocks.0.0.weight');
  refuseByNames(file.fileName, keys.map(withoutWrapper));
  const layers = resnetsPerBlock(named.keys());
  if (!input || !layers) throw refuseParts(file.fileName, keys, 'an LDM U-Net with its VAE and text encoder');
  refuseByInputs(file.fileName, file.shape(input));
  const { first_stage_model: vaeKeys, cond_stage_model: textKeys } = models;
  if (vaeKeys.size === 0) throw refuseParts(file.fileName, keys, 'a VAE');
  if (textKeys.size === 0) throw refuseParts(file.fileName, keys, 'a text encoder');

  const [unet, vae, text] = [new TensorMap(), new TensorMap(), new TensorMap()];
  for (const [name, key] of named) addOne(unet, unetName(name, layers), file, key);
  const levels = vaeLevels(vaeKeys.keys());
  for (const [name, key] of vaeKeys) addOne(vae, vaeName(name, levels), file, key);
  for (const [name, key] of textKeys) for (const to of textNames(name)) text.add(to.key, file, key, to.part);
  const weights = { unet: unet.found, vae: vae.found, text_encoder: text.found };
  return { weights, said: { prediction: saidPrediction(file), zeroTerminalSnr: file.has('ztsnr') } };
}

function addOne(map: TensorMap, name: string | null, file: SafetensorsFile, key: string): void {
  if (name) map.add(name, file, key);
}

// Training programs wrap a model in others, and every wrapper puts its name before every tensor's.
const WRAPPED =
  /^(?:(?:state_dict|module|model)\.)*?(diffusion_model|first_stage_model|cond_stage_model|model_ema)\.(.+)$/;
const withoutWrapper = (key: string): string => key.replace(/^(?:state_dict\.|module\.|model\.(?=model\.))+/, '');

function byModel(file: SafetensorsFile): Record<LdmModel, Keys> {
  const models = Object.fromEntries(MODELS.map((model) => [model, new Map()])) as Record<LdmModel, Keys>;
  for (const key of file.keys()) {
    const [, model, name] = WRAPPED.exec(key) ?? [];
    if (!model || !name) continue;
    const keys = models[model as LdmModel];
    const twin = keys.get(name);
    if (twin) throw damaged(file.fileName, `one tensor for ${model}.${name}`, `two: “${twin}” and “${key}”`);
    keys.set(name, key);
  }
  return models;
}

/** The averaged U-Net, where a file has kept only that. */
function twins(ema: Keys): Keys {
  const named: Keys = new Map();
  for (const [flat, key] of ema) {
    const name = fromTwinName(flat.replace(/^diffusion_model/, ''));
    if (name) named.set(name, key);
  }
  return named;
}

/** What the file itself says: an empty tensor `v_pred`, or the model specification's metadata. */
function saidPrediction(file: SafetensorsFile): Prediction {
  const { metadata } = file;
  const words = metadata['modelspec.prediction_type'] ?? metadata['modelspec.predict_key'];
  if (file.has('v_pred') || words === 'v' || words === 'v_prediction') return 'v_prediction';
  if (words === 'epsilon' || words === 'eps') return 'epsilon';
  const architecture = metadata['modelspec.architecture'];
  if (architecture === 'stable-diffusion-v2-768-v') return 'v_prediction';
  return architecture === 'stable-diffusion-v2-512' ? 'epsilon' : null;
}

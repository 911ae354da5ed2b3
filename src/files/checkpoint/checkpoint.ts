// A checkpoint of the user's, as they dropped it (one .safetensors file, or a diffusers folder), in; the one form in which the app keeps a model
// out: a diffusers folder, all weights f16, the same bytes for the same weights whatever they came in.
import { neededFiles, parseJson } from '../model-folder.ts';
import { readSafetensors } from '../safetensors.ts';
import { damaged } from '../safetensors-header.ts';
import type { OnBroken } from '../sound-weights.ts';
import { yamlPrediction } from './beside.ts';
import { type CanonicalFile, jsonFile, textFile, weightsFile } from './canonical-file.ts';
import {
  type Family,
  familyOf,
  type Json,
  modelIndex,
  type Prediction,
  schedulerJson,
  textJson,
  tokenizerJson,
  unetConfig,
  unetJson,
  vaeJson,
} from './configs.ts';
import { type Folder, findFolder, type GivenFile, readConfig, readFolder } from './folder.ts';
import { placeBlobs } from './hub-cache.ts';
import { lastOf, onlyFile, refuseByBytes, WEIGHTS_ENDING } from './only-file.ts';
import { notACheckpoint } from './refusals.ts';
import { readSingleFile, type Said } from './single-file.ts';
import { textNeeds, textSizes, unetNeeds, unetSizes, vaeNeeds, vaeSizes } from './sizes.ts';
import { checkTensors, type Tensors, type Weights } from './stored.ts';

export interface Checkpoint {
  readonly name: string; // the file's without its ending, or the folder's
  readonly layout: 'ldm' | 'diffusers';
  readonly family: Family;
  readonly prediction: Prediction;
  /** Exactly `neededFiles`, in that order. */
  readonly files: readonly CanonicalFile[];
  /** The single file that it came in: programs know a checkpoint by that file's hashes. */
  readonly source?: Blob;
}
export interface TokenizerFiles {
  vocab: Blob;
  merges: Blob;
}

/**
 * Opens a checkpoint: reads every header and config, checks that all tensors are there, in their shapes, and converts nothing yet.
 * `tokenizer` is asked where the checkpoint brings no vocabulary; every Stable Diffusion has CLIP's.
 * Trouble 'not-a-checkpoint' names what the file is instead; 'file-damaged' what is missing or wrong in it; 'not-this-family' a setting that we
 * do not compute. `onBroken` hears, once the files are read, of weights that cannot be used; it may throw.
 */
export async function openCheckpoint(
  given: readonly GivenFile[],
  tokenizer: () => Promise<TokenizerFiles>,
  onBroken: OnBroken = () => {},
): Promise<Checkpoint> {
  const files = await placeBlobs(given);
  const folder = findFolder(files);
  const sources = { folder, tokenizer, onBroken };
  if (folder) return assemble(folder.name || 'Stable Diffusion', await readFolder(folder), SAYS_NOTHING, sources);
  const { path, file } = await onlyFile(files);
  const fileName = lastOf(path);
  await refuseByBytes(fileName, file);
  const { weights, said } = readSingleFile(await readSafetensors(file, fileName));
  const prediction = (await yamlPrediction(files, path)) ?? said.prediction;
  const made = await assemble(fileName.replace(WEIGHTS_ENDING, ''), weights, { ...said, prediction }, sources);
  return { ...made, source: file };
}

const SAYS_NOTHING: Said = { prediction: null, zeroTerminalSnr: false };

interface Sources {
  folder: Folder | null;
  tokenizer: () => Promise<TokenizerFiles>;
  onBroken: OnBroken;
}

async function assemble(
  name: string,
  { unet, vae, text_encoder: text }: Weights,
  said: Said,
  { folder, tokenizer, onBroken }: Sources,
): Promise<Checkpoint> {
  const own = async (path: string): Promise<Json | null> => (folder ? readConfig(folder, path) : null);
  const ownUnet = await own('unet/config.json');
  const ownText = await own('text_encoder/config.json');
  const ownScheduler = await own('scheduler/scheduler_config.json');

  const config = unetConfig(unetSizes(unet), ownUnet);
  const family = familyOf(config);
  const vaeIs = vaeSizes(vae);
  const textIs = textSizes(text, ownText?.num_hidden_layers);
  const needs = { unet: unetNeeds(config), vae: vaeNeeds(vaeIs), text: textNeeds(textIs) };
  checkTensors('U-Net', unet, needs.unet);
  checkTensors('VAE', vae, needs.vae);
  checkTensors('text encoder', text, needs.text);
  if (textIs.width !== config.crossAttentionDim)
    throw notACheckpoint(
      name,
      'incomplete',
      `its U-Net reads texts ${config.crossAttentionDim} wide, its text encoder writes ${textIs.width}`,
    );

  const prediction = ownScheduler ? ownPrediction(ownScheduler) : said.prediction;
  // Latents of 512 px. The v-models of Stable Diffusion 2 were finished at 768; where nobody says which one it is, 512 is the safe size.
  const sampleSize = ownUnet?.sample_size ?? (family === 'sd2' && prediction === 'v_prediction' ? 96 : 64);
  const { vocab, merges } = await tokenizerOf(folder, tokenizer);
  const files: readonly CanonicalFile[] = [
    jsonFile('model_index.json', modelIndex),
    jsonFile('scheduler/scheduler_config.json', schedulerJson(prediction, ownScheduler, said.zeroTerminalSnr)),
    vocab,
    merges,
    jsonFile(
      'tokenizer/tokenizer_config.json',
      tokenizerJson(
        family,
        await own('tokenizer/tokenizer_config.json'),
        await own('tokenizer/special_tokens_map.json'),
      ),
    ),
    jsonFile('text_encoder/config.json', textJson(textIs, family, ownText)),
    weightsFile('text_encoder/model.safetensors', only(text, needs.text), onBroken),
    jsonFile('unet/config.json', unetJson(config, sampleSize)),
    weightsFile('unet/diffusion_pytorch_model.safetensors', only(unet, needs.unet), onBroken),
    jsonFile('vae/config.json', vaeJson(vaeIs, await own('vae/config.json'))),
    weightsFile('vae/diffusion_pytorch_model.safetensors', only(vae, needs.vae), onBroken),
  ];
  if (`${files.map(({ path }) => path)}` !== `${neededFiles}`)
    throw new Error('openCheckpoint: not the files of a model');
  return { name, layout: folder ? 'diffusers' : 'ldm', family, prediction, files };
}

const only = (tensors: Tensors, needed: ReadonlyMap<string, unknown>): Tensors =>
  new Map([...tensors].filter(([name]) => needed.has(name)));

/** diffusers' default is ε. */
function ownPrediction(config: Json): Prediction {
  const type = config.prediction_type ?? 'epsilon';
  if (type === 'epsilon' || type === 'v_prediction') return type;
  throw damaged('scheduler/scheduler_config.json', 'prediction_type epsilon or v_prediction', JSON.stringify(type));
}

/** The vocabulary in the order of its ids and without spaces: the same words are the same bytes. */
async function tokenizerOf(folder: Folder | null, fallback: () => Promise<TokenizerFiles>) {
  const vocabPath = 'tokenizer/vocab.json';
  const mergesPath = 'tokenizer/merges.txt';
  const [ownVocab, ownMerges] = [folder?.files.get(vocabPath), folder?.files.get(mergesPath)];
  const { vocab, merges } = ownVocab && ownMerges ? { vocab: ownVocab, merges: ownMerges } : await fallback();
  for (const [path, file] of [
    [vocabPath, vocab],
    [mergesPath, merges],
  ] as const)
    if (file.size > MAX_TOKENIZER_BYTES) throw damaged(path, `at most ${MAX_TOKENIZER_BYTES} bytes`, `${file.size}`);
  const words = await parseJson(vocabPath, vocab);
  const entries = typeof words === 'object' && words !== null ? Object.entries(words) : [];
  if (entries.length === 0 || !entries.every(([, id]) => Number.isInteger(id)))
    throw damaged(vocabPath, 'words with their whole numbers', 'something else');
  const inOrder = Object.fromEntries(entries.sort(([, a], [, b]) => a - b));
  return {
    vocab: textFile(vocabPath, JSON.stringify(inOrder)),
    merges: textFile(mergesPath, new Uint8Array(await merges.arrayBuffer())),
  };
}
const MAX_TOKENIZER_BYTES = 16 * 2 ** 20; // CLIP's take 1

// The files of a dropped folder with their paths in; the diffusers model among them, its tensors and its own configs, out.
import { parseJson } from '../model-folder.ts';
import { readSafetensors } from '../safetensors.ts';
import { damaged } from '../safetensors-header.ts';
import type { Json } from './configs.ts';
import { notACheckpoint, refuseByConfigs, refuseByInputs, refuseByNames } from './refusals.ts';
import { type Component, TensorMap, type Tensors, type Weights } from './stored.ts';
import { weightFiles } from './weight-files.ts';

export interface GivenFile {
  path: string;
  file: Blob;
}
export interface Folder {
  name: string; // of the folder itself; '' where the files came without one
  files: ReadonlyMap<string, Blob>; // by their path within it
}

const COMPONENTS: readonly Component[] = ['unet', 'vae', 'text_encoder'];
const MARK = /^(.*?)(unet|transformer|model_index\.json)(\/|$)/;

/** Null when there is neither a model_index.json nor a `unet/`. The shortest path wins: what lies deeper is another model's. */
export function findFolder(given: readonly GivenFile[]): Folder | null {
  const paths = given.map(({ path }) => path.replaceAll('\\', '/').replace(/^\.?\/+/, ''));
  const roots = paths.flatMap((path) => {
    const [, root] = MARK.exec(path) ?? [];
    return root === undefined || (root !== '' && !root.endsWith('/')) ? [] : [root];
  });
  const root = roots.sort((a, b) => a.length - b.length)[0];
  if (root === undefined) return null;
  const files = new Map<string, Blob>();
  paths.forEach((path, i) => {
    if (path.startsWith(root)) files.set(path.slice(root.length), (given[i] as GivenFile).file);
  });
  return { name: nameOf(root), files };
}

/** The folder's own; in Hugging Face's cache, where that is a commit, the repository's. */
function nameOf(root: string): string {
  const [folder = '', snapshots, repository] = root.split('/').slice(0, -1).reverse();
  if (snapshots === 'snapshots' && repository) return repositoryName(repository);
  return /^[0-9a-f]{40}$/.test(folder) ? '' : folder;
}

/** `models--runwayml--stable-diffusion-v1-5`: the last of its parts. */
export const repositoryName = (folder: string): string => /^models--(?:.+?--)?(.+)$/.exec(folder)?.[1] ?? folder;

/** Trouble 'not-a-checkpoint' for a folder of another kind, 'file-damaged' naming a file that is not what it should be. */
export async function readFolder(folder: Folder): Promise<Weights> {
  const { files, name } = folder;
  const unet = await readConfig(folder, 'unet/config.json');
  refuseByConfigs(name || 'model_index.json', await readConfig(folder, 'model_index.json'), unet);
  const of = (part: string) => [...files.keys()].find((path) => path.startsWith(`${part}/`));
  const wrong = of('text_encoder_2') ?? of('transformer') ?? of('prior');
  if (wrong)
    throw notACheckpoint(wrong, of('text_encoder_2') && of('unet') ? 'sdxl' : 'newer-family', `it has ${wrong}`);
  const weights: Partial<Record<Component, Tensors>> = {};
  for (const component of COMPONENTS) weights[component] = await readComponent(component, files, name || component);
  return weights as Weights;
}

async function readComponent(component: Component, files: ReadonlyMap<string, Blob>, folder: string): Promise<Tensors> {
  const map = new TensorMap();
  for (const path of weightFiles(component, [...files.keys()])) {
    const file = await readSafetensors(files.get(path) as Blob, path);
    if (component === 'unet') refuseByNames(folder, file.keys());
    for (const key of file.keys()) {
      const name = nameNow(component, key);
      if (name) map.add(name, file, key);
    }
  }
  if (component === 'unet') refuseByInputs(folder, map.found.get('conv_in.weight')?.shape);
  return map.found;
}

/** diffusers' names of today for those of its first release; null for what is no weight. */
function nameNow(component: Component, key: string): string | null {
  if (component === 'unet') return key;
  if (component === 'vae')
    return key.replace(
      /\.attentions\.0\.(query|key|value|proj_attn)\./,
      (_, old: string) => `.attentions.0.${{ query: 'to_q', key: 'to_k', value: 'to_v', proj_attn: 'to_out.0' }[old]}.`,
    );
  if (key.endsWith('position_ids')) return null;
  return key.startsWith('text_model.') ? key : `text_model.${key}`;
}

const MAX_CONFIG_BYTES = 2 ** 20;
const MAX_DEPTH = 32;

/** A config of the folder, or null where it has none. Trouble 'file-damaged' for what is not one JSON object. */
export async function readConfig({ files }: Folder, path: string): Promise<Json | null> {
  const file = files.get(path);
  if (!file) return null;
  if (file.size > MAX_CONFIG_BYTES) throw damaged(path, `at most ${MAX_CONFIG_BYTES} bytes`, `${file.size} bytes`);
  const value = await parseJson(path, file);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw damaged(path, 'a JSON object', Array.isArray(value) ? 'a list' : String(value));
  if (deeper(value, MAX_DEPTH)) throw damaged(path, `at most ${MAX_DEPTH} levels of JSON`, 'more');
  return value as Json;
}

// Whatever is kept of it will be written again, and JSON.stringify overflows its stack on what JSON.parse takes.
const deeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => deeper(inner, levels - 1)));

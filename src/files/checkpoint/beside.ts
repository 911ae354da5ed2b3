// The files that came with a single-file checkpoint in; what the `.yaml` beside it says of it out. Programs of the A1111 line write one for v-models.
import type { Prediction } from './configs.ts';
import type { GivenFile } from './folder.ts';

const stem = (path: string): string => path.replace(/\.[^./\\]*$/, '');
const MAX_BYTES = 2 ** 20; // theirs take 2 kB

/** By the line that such configs have for it; null where there is no file of the checkpoint's name, or the only one, that says so. */
export async function yamlPrediction(given: readonly GivenFile[], checkpoint: string): Promise<Prediction> {
  const configs = given.filter(({ path }) => /\.ya?ml$/i.test(path));
  const own = configs.find(({ path }) => stem(path) === stem(checkpoint)) ?? (configs.length === 1 ? configs[0] : null);
  if (!own || own.file.size > MAX_BYTES) return null;
  const [, word] = /^\s*parameterization:\s*["']?(v|eps)["']?\s*(?:#.*)?$/m.exec(await own.file.text()) ?? [];
  return word === 'v' ? 'v_prediction' : word === 'eps' ? 'epsilon' : null;
}

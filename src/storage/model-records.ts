// Model ids in; what is known of each model in this browser — its files, its name, whether it is all here — out.
import type { Database, Key } from './database.ts';
import { dropFiles, KeptFile } from './kept-file.ts';
import { type Manifest, type ManifestFile, totalBytes } from './manifest.ts';

export interface ModelInfo {
  id: string; // 'demo'
  name: string;
  bytes: number; // all files together
  version: string; // of its weights: a replaced model has another
  resolution: number; // px, square: what the model was trained at
  sizes: number[]; // px, square, smallest first: what it can be trained and drawn at here; `resolution` is the last
  source: string;
  licence: string;
  hashes?: SourceHashes; // absent: it came as a folder, or before this was kept
}
/** A model that can be opened, or that could once it is here. */
export interface ModelListing {
  id: string; // 'demo', 'sd15', or that of a checkpoint that was taken in
  name: string;
  source: string; // host and repository, or the file's name
  licence: string;
  licenceUrl: string | null;
  /** The licence must be accepted before the first byte is fetched. */
  asksLicence: boolean;
  bytes: number; // all its files
  storedBytes: number; // of them, what is in this browser
  /** doubted: all is here, but a file's sha256 is not the one we expect; it was kept aside and may be used or fetched again. */
  state: 'absent' | 'part' | 'complete' | 'doubted';
  doubts: { file: string; expected: string; got: string }[];
}

/** Of the single file that a checkpoint came in, as A1111 and sd-scripts know it: sha256, and the first 8 digits of that of 64 kB at its first megabyte. */
export interface SourceHashes {
  sha256: string;
  legacy: string;
}

/** What the page says of a model besides the state of its files. */
export type ModelFacts = Pick<ModelListing, 'name' | 'source' | 'licence' | 'licenceUrl'>;
/** The oldest records are a manifest alone. `sound`: all its weights were seen to be finite (those of a pinned hash need not be). */
export type ModelRecord = Manifest & Partial<ModelFacts> & { sound?: true; hashes?: SourceHashes };

/** Another one wherever a weight is another: the beginning of each weights file's sha256, in the order of their paths. */
export const versionOf = ({ files }: Manifest): string =>
  files
    .filter(({ path }) => path.endsWith('.safetensors'))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ sha256 }) => sha256.slice(0, 8))
    .join('-');

/** `model`: was here whole, and can be opened while its files are. `wanted`: is being fetched; takes the other's place when it is whole. */
export type RecordKind = 'model' | 'wanted';
const modelKey = (kind: RecordKind, id: string): Key => [kind, id];

export const readRecord = async (db: Database, kind: RecordKind, id: string): Promise<ModelRecord | null> =>
  (await db.get<ModelRecord>(modelKey(kind, id))) ?? null;
export const writeRecord = (db: Database, kind: RecordKind, id: string, record: ModelRecord): Promise<void> =>
  db.write({ put: [[modelKey(kind, id), record]] });

/** Ids of the models that were here whole (their parts may still turn out to be missing). */
export const modelIds = async (db: Database): Promise<string[]> =>
  (await db.keysUnder(['model'])).map((key) => String(key[1]));

/** What was wanted is here: it takes the place of what was in use, whose files go unless another model has them. */
export async function settle(db: Database, id: string, record: ModelRecord): Promise<void> {
  const old = await readRecord(db, 'model', id);
  await db.write({ put: [[modelKey('model', id), record]], remove: [modelKey('wanted', id)] });
  if (old) await dropUnused(db, old.files);
}

/** Removes a model; files it shares with another one stay. */
export async function removeModel(db: Database, id: string): Promise<void> {
  const records = [await readRecord(db, 'model', id), await readRecord(db, 'wanted', id)];
  await db.write({ remove: [modelKey('model', id), modelKey('wanted', id)] });
  await dropUnused(
    db,
    records.flatMap((record) => record?.files ?? []),
  );
}

/** Drops those of `files` that no model names. */
export async function dropUnused(db: Database, files: readonly ManifestFile[]): Promise<void> {
  const records = [
    ...(await db.valuesUnder<ModelRecord>(['model'])),
    ...(await db.valuesUnder<ModelRecord>(['wanted'])),
  ];
  const used = new Set(records.flatMap((record) => record.files.map(({ sha256 }) => sha256)));
  const unused = files.map(({ sha256 }) => sha256).filter((sha256) => !used.has(sha256));
  if (unused.length > 0) await dropFiles(db, unused);
}

/** What of the files is here: bytes, the state of the whole, and files whose sha256 is not the expected one. Reads none of them. */
export async function lookAtFiles(
  db: Database,
  files: readonly ManifestFile[],
  shardBytes?: number,
): Promise<Pick<ModelListing, 'bytes' | 'storedBytes' | 'state' | 'doubts'> & { kept: Map<string, KeptFile> }> {
  const kept = new Map<string, KeptFile>();
  let storedBytes = 0;
  for (const file of files) {
    const one = await KeptFile.look(db, file, shardBytes);
    kept.set(file.path, one);
    storedBytes += one.storedBytes;
  }
  const states = [...kept.values()].map(({ state }) => state);
  const whole = states.every((state) => state === 'good');
  const part = states.includes('part') || states.includes('unchecked');
  const state = whole ? 'complete' : storedBytes === 0 ? 'absent' : part ? 'part' : 'doubted';
  const doubts = [...kept].flatMap(([path, one]) =>
    one.state === 'doubted' ? [{ file: path, expected: one.file.sha256, got: one.got ?? '' }] : [],
  );
  return { bytes: totalBytes(files), storedBytes, state, doubts, kept };
}

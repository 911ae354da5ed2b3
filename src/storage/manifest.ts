// A model's manifest.json in: which files it has, how long they are and their sha256. tools/demo-model/manifest.py writes it.
import { neededFiles } from '../files/model-folder.ts';
import { damaged } from '../files/safetensors-header.ts';

export interface ManifestFile {
  path: string; // as the app names it: unet/config.json
  bytes: number;
  sha256: string; // 64 hex digits
  from?: string; // its path at the source, where that is another
  text?: string; // its content, where nothing need be fetched
}
export interface Manifest {
  files: ManifestFile[];
}

/** Only the files the app needs; a manifest that does not list one of them, or lies about its form, is Trouble 'file-damaged'. */
export function checkManifest(value: unknown, file: string): Manifest {
  const listed = (value as { files?: unknown } | null)?.files;
  if (!Array.isArray(listed)) throw damaged(file, 'a list of files', JSON.stringify(value)?.slice(0, 80) ?? 'nothing');
  const files = neededFiles.map((path): ManifestFile => {
    const found: unknown = listed.find((entry: unknown) => (entry as { path?: unknown } | null)?.path === path);
    const { bytes, sha256, from } = (found ?? {}) as Partial<Record<keyof ManifestFile, unknown>>;
    if (
      typeof bytes !== 'number' ||
      !Number.isSafeInteger(bytes) ||
      bytes < 1 ||
      typeof sha256 !== 'string' ||
      !/^[0-9a-f]{64}$/.test(sha256) ||
      !(from === undefined || typeof from === 'string')
    )
      throw damaged(file, `${path} with its bytes and sha256`, JSON.stringify(found) ?? 'no such entry');
    return { path, bytes, sha256, ...(from === undefined ? {} : { from }) };
  });
  return { files };
}

export const totalBytes = (files: readonly ManifestFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);
export const sameFiles = (a: Manifest, b: Manifest): boolean =>
  a.files.every((file, i) => file.sha256 === b.files[i]?.sha256) && a.files.length === b.files.length;

// Files out of a drop or a file dialog with their paths, folders walked to the bottom; what could not be opened, by name.
import type { LeftOut } from './sort-drop.ts';

/** A whole disk dropped by mistake ends here. */
const mostFiles = 5000;
/** Not anybody's photos: what systems put beside them. */
const ofTheSystem = /^(\..*|Thumbs\.db|desktop\.ini|__MACOSX)$/i;

export interface DroppedFile {
  path: string; // from what was dropped on: 'my-model/unet/config.json'
  file: File;
}
export interface Dropped {
  files: DroppedFile[];
  leftOut: LeftOut[];
}

/** A file dialog's files; one that was asked for a folder gives paths. */
export const pickedFiles = (files: Iterable<File>): Dropped => ({
  files: [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file })),
  leftOut: [],
});

/** To be called in the drop's own turn: afterwards the browser has closed it. */
export async function droppedFiles(transfer: DataTransfer): Promise<Dropped> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return pickedFiles(transfer.files);
  const dropped: Dropped = { files: [], leftOut: [] };
  for (const entry of entries) {
    if (!entry) continue;
    const before = dropped.files.length + dropped.leftOut.length;
    await walk(entry, dropped);
    const nothing = dropped.files.length + dropped.leftOut.length === before;
    if (nothing && entry.isDirectory) dropped.leftOut.push({ path: entry.name, reason: 'empty-folder' });
  }
  return dropped;
}

/** One file or folder that the browser cannot open never keeps the others out. */
async function walk(entry: FileSystemEntry, dropped: Dropped): Promise<void> {
  if (ofTheSystem.test(entry.name)) return;
  const path = entry.fullPath.replace(/^\//, '');
  if (dropped.files.length >= mostFiles) {
    if (!dropped.leftOut.some(({ reason }) => reason === 'too-many'))
      dropped.leftOut.push({ path, reason: 'too-many' });
    return;
  }
  try {
    if (isFile(entry)) {
      const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
      dropped.files.push({ path, file });
    } else if (isFolder(entry)) for (const child of await children(entry)) await walk(child, dropped);
  } catch {
    dropped.leftOut.push({ path, reason: 'gone' });
  }
}

/** A reader gives a hundred at a time and is empty when it is done. */
async function children(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    all.push(...some);
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;

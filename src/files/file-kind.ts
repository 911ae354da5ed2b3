// A file's first bytes and its name in; what the file is, for somebody who dropped it, out. The bytes decide; the name only where they cannot.
import { fileTypeFromBuffer } from 'file-type';
import { isLora } from './checkpoint/refusals.ts';
import { PICTURE_KEYWORD, pngText } from './png-text.ts';
import { decodeText } from './text.ts';

export interface FileKind {
  kind:
    | 'photo' // an image, whether or not this browser can show it
    | 'caption' // a text of a caption's name and size
    | 'text'
    | 'json'
    | 'model' // weights of a checkpoint, or a part of one
    | 'lora'
    | 'raw' // a camera's own format
    | 'archive'
    | 'video'
    | 'sound'
    | 'document'
    | 'empty'
    | 'gone' // moved, changed or forbidden since it was dropped
    | 'other';
  /** HEIC, MP4, ZIP …; '' where there is no short name for it. */
  format: string;
  /** Of a caption: all of it. Of a PNG: what the program that drew it says of it, in its first 8 kB. */
  text?: string;
}

const HEAD_BYTES = 8192;
/** CLIP reads 77 tokens: what is longer is some other text. */
const CAPTION_BYTES = 65_536;
/** A LoRA's header is at most a few hundred kB; the names of a header's first tensors tell as much as all of them. */
const HEADER_BYTES = 65_536;

/** Reads only the file's beginning. Never throws: what cannot be read is 'gone'. */
export async function fileKind(name: string, file: Blob): Promise<FileKind> {
  try {
    const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
    if (head.length === 0) return { kind: 'empty', format: '' };
    if (CAPTION.test(name)) {
      const whole = file.size <= CAPTION_BYTES ? decodeText(new Uint8Array(await file.arrayBuffer())) : null;
      if (whole !== null) return { kind: 'caption', format: '', text: whole };
    }
    return (await byWeights(file, head)) ?? (await byBytes(name, head));
  } catch {
    return { kind: 'gone', format: '' };
  }
}

/** In order; one after another, so that five hundred files are not all open at once. */
export async function fileKinds(files: readonly { name: string; file: Blob }[]): Promise<FileKind[]> {
  const kinds: FileKind[] = [];
  for (const { name, file } of files) kinds.push(await fileKind(name, file));
  return kinds;
}

/** TIFF is what most cameras' raw formats are made of, and a zip or a text can be many things: there the ending tells. */
const RAW =
  /\.(3fr|arw|cr2|cr3|crw|dcr|dng|erf|fff|iiq|k25|kdc|mef|mos|mrw|nef|nrw|orf|pef|raf|raw|rw2|rwl|sr2|srf|srw|x3f)$/i;
const ENDING = /\.([a-z0-9]{1,9})$/i;
const PICKLE = /\.(ckpt|pt|pth|bin)$/i;
const CAPTION = /\.(txt|caption)$/i;
/** Magic numbers of two letters: a text may begin so. */
const WEAK = /^(image\/bmp|audio\/mpeg|application\/x-(msdownload|compress))$/;
const DOCUMENT =
  /pdf|rtf|postscript|msword|officedocument|opendocument|epub|mobi|x-cfb|photoshop|indesign|sketch|x-blender|html|xml/;
const ARCHIVE = /zip|rar|7z|tar|gzip|bzip|x-xz|zstd|lzip|lz4|x-lzh|cab|x-iso|apple-diskimage|compress|archive/;

async function byBytes(name: string, head: Uint8Array): Promise<FileKind> {
  const type = await fileTypeFromBuffer(head).catch(() => undefined);
  const mime: string = type?.mime ?? '';
  const ending = ENDING.exec(name)?.[1]?.toUpperCase() ?? '';
  const format = (type?.ext ?? '').toUpperCase();
  if (!mime || WEAK.test(mime)) {
    const text = decodeText(head);
    if (text !== null) return byText(name, text);
  }
  if (RAW.test(name) && (!mime || mime.startsWith('image/'))) return { kind: 'raw', format: ending };
  if (RAW.test(`.${format}`)) return { kind: 'raw', format };
  if (ascii(head, 0) === 'GGUF' || (mime.includes('zip') && PICKLE.test(name))) return { kind: 'model', format };
  if (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5 && PICKLE.test(name)) return { kind: 'model', format: '' };
  if (DOCUMENT.test(mime)) return { kind: 'document', format };
  if (mime.startsWith('image/')) {
    const drawn = pngText(head, PICTURE_KEYWORD);
    const photo = { kind: 'photo' as const, format: format.replace('TIF', 'TIFF').replace('JPG', 'JPEG') };
    return drawn === null ? photo : { ...photo, text: drawn };
  }
  if (mime.startsWith('video/')) return { kind: 'video', format };
  if (mime.startsWith('audio/')) return { kind: 'sound', format };
  return { kind: ARCHIVE.test(mime) ? 'archive' : 'other', format };
}

function byText(name: string, text: string): FileKind {
  const start = text.trimStart();
  if (/^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!doctype svg[^>]*>\s*)?<svg[\s>]/is.test(start))
    return { kind: 'photo', format: 'SVG' };
  if (/^<(!doctype|html|\?xml)/i.test(start)) return { kind: 'document', format: 'HTML' };
  const json = /\.json$/i.test(name) || /^\{\s*("|\})/.test(start);
  return { kind: json ? 'json' : 'text', format: '' };
}

/** Safetensors: the length of a JSON header, then the header. */
async function byWeights(file: Blob, head: Uint8Array): Promise<FileKind | null> {
  if (head.length < 10 || head[8] !== 0x7b) return null;
  const length = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0, true));
  if (length < 2 || length > 200_000_000) return null;
  const header = await file.slice(8, 8 + Math.min(length, HEADER_BYTES)).text();
  const names = [...header.matchAll(/"((?:[^"\\]|\\.)*)"\s*:\s*\{/g)].map(([, name]) => name!);
  return { kind: isLora(names) ? 'lora' : 'model', format: 'safetensors' };
}

const ascii = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

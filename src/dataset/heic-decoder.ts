// A HEIC file's bytes and libheif in; its main picture's pixels, the right way up, out. libheif keeps what it decodes until it is told: everything is freed.
import type { MainModule } from 'libheif-js/libheif-wasm/libheif.js';

export interface HeicPixels {
  width: number; // px, as it is seen: libheif turns it as the file says
  height: number;
  data: Uint8ClampedArray<ArrayBuffer>; // RGBA, 8 bits whatever the file has
  colorSpace: PredefinedColorSpace;
}
/** What libheif's decoding function gives: planes that lie in its memory, or an error. */
interface Decoded {
  code?: unknown;
  message?: string;
  image: unknown;
  channels: { id: unknown; width: number; height: number; stride: number; data: Uint8Array }[];
}

/** Throws an Error with libheif's own words for what it cannot decode. */
export function decodeHeic(libheif: MainModule, bytes: Uint8Array): HeicPixels {
  const context = libheif.heif_context_alloc();
  if (!context) throw new Error('no memory for a HEIF context');
  try {
    const read = libheif.heif_context_read_from_memory(context, bytes);
    if (read.code !== libheif.heif_error_code.heif_error_Ok) throw new Error(String(read.message));
    const handle = libheif.heif_js_context_get_primary_image_handle(context);
    if (!handle || handle.code) throw new Error(handle?.message ?? 'no main picture');
    try {
      return { ...pixelsOf(libheif, handle), colorSpace: isDisplayP3(bytes) ? 'display-p3' : 'srgb' };
    } finally {
      libheif.heif_image_handle_release(handle);
    }
  } finally {
    libheif.heif_context_free(context);
  }
}

function pixelsOf(libheif: MainModule, handle: Parameters<MainModule['heif_js_decode_image2']>[0]) {
  const { heif_colorspace_RGB: rgb } = libheif.heif_colorspace;
  const { heif_chroma_interleaved_RGBA: rgba } = libheif.heif_chroma;
  const decoded: Decoded | null = libheif.heif_js_decode_image2(handle, rgb, rgba);
  if (!decoded || decoded.code) throw new Error(decoded?.message ?? 'nothing was decoded');
  try {
    const plane = decoded.channels.find(({ id }) => id === libheif.heif_channel.heif_channel_interleaved);
    if (!plane) throw new Error('no pixels');
    const { width, height, stride } = plane;
    const data = new Uint8ClampedArray(width * height * 4);
    for (let y = 0; y < height; y++) data.set(plane.data.subarray(y * stride, y * stride + width * 4), y * width * 4);
    return { width, height, data };
  } finally {
    libheif.heif_image_release(decoded.image as Parameters<MainModule['heif_image_release']>[0]);
  }
}

/** Primaries of Display P3 in an `nclx` box (ITU-T H.273: 12, SMPTE EG 432-1). */
const P3_PRIMARIES = 12;
/** What describes a picture stands before its data. */
const DESCRIPTION_BYTES = 1_000_000;

/** Phones photograph in Display P3: a `colr` box says so, by an ICC profile of that name or by a number. libheif leaves colours as they are. */
function isDisplayP3(bytes: Uint8Array): boolean {
  const text = Array.from(bytes.subarray(0, DESCRIPTION_BYTES), (byte) => String.fromCharCode(byte)).join('');
  for (const { index } of text.matchAll(/colr(?:prof|rICC|nclx)/g)) {
    const numbers = text.startsWith('nclx', index + 4);
    if (numbers && text.charCodeAt(index + 8) * 256 + text.charCodeAt(index + 9) === P3_PRIMARIES) return true;
    // An ICC name is UTF-16 in version 4, else ASCII.
    if (
      !numbers &&
      text
        .slice(index, index + 4096)
        .replaceAll('\0', '')
        .includes('Display P3')
    )
      return true;
  }
  return false;
}

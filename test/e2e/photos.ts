// In: a page to draw in, Playwright's or puppeteer's. Out: image files of every kind that the page must take or refuse, as Playwright uploads them.

export interface Upload {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

type Canvas = readonly [width: number, height: number, type: string, alpha: number];
interface Draws {
  evaluate(draw: (given: Canvas) => Promise<string>, given: Canvas): Promise<string>;
}

/** Left half red, right half blue (so that a turn shows), noise in the upper half (so that nothing calls it blurred). */
export async function picture(
  page: Draws,
  name: string,
  width: number,
  height: number,
  type = 'image/jpeg',
  alpha = 1,
): Promise<Upload> {
  const base64 = await page.evaluate(
    async ([w, h, mime, opacity]) => {
      const canvas = new OffscreenCanvas(w, h);
      const ink = canvas.getContext('2d');
      if (!ink) throw new Error('no 2D canvas');
      ink.globalAlpha = opacity;
      ink.fillStyle = '#d02020';
      ink.fillRect(0, 0, w / 2, h);
      ink.fillStyle = '#2030d0';
      ink.fillRect(w / 2, 0, w - w / 2, h);
      ink.fillStyle = '#ffffff';
      for (let i = 0; i < 400; i++) ink.fillRect((i * 7919 * 13) % w, (i * 104729) % Math.ceil(h / 2), w / 60, h / 60);
      const blob = await canvas.convertToBlob({ type: mime, quality: 0.9 });
      const bytes = new Uint8Array(await blob.arrayBuffer());
      let text = '';
      for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
      return btoa(text);
    },
    [width, height, type, alpha],
  );
  return { name, mimeType: type, buffer: Buffer.from(base64, 'base64') };
}

/** A JPEG with an EXIF block that says: turn me (6 = a quarter turn clockwise). */
export function turned(jpeg: Upload, orientation: number): Upload {
  const tiff = Buffer.alloc(26);
  tiff.write('MM\0*', 0, 'latin1'); // big-endian TIFF
  tiff.writeUInt32BE(8, 4); // the first directory's offset
  tiff.writeUInt16BE(1, 8); // one entry
  tiff.writeUInt16BE(0x0112, 10); // Orientation
  tiff.writeUInt16BE(3, 12); // SHORT
  tiff.writeUInt32BE(1, 14);
  tiff.writeUInt16BE(orientation, 18);
  const block = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(block.length + 2, 2);
  const soi = jpeg.buffer.subarray(0, 2);
  return { ...jpeg, buffer: Buffer.concat([soi, head, block, jpeg.buffer.subarray(2)]) };
}

export const truncated = (file: Upload): Upload => ({
  ...file,
  buffer: file.buffer.subarray(0, Math.floor(file.buffer.length / 2)),
});

export const textNamedPng = (name: string): Upload => ({
  name,
  mimeType: 'image/png',
  buffer: Buffer.from('This is a letter, not a picture.\n'.repeat(40)),
});

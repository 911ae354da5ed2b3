// In a worker: a photo's file in; its largest crop in the middle, or why it is none, out.
import { centreCrop } from '../../src/dataset/crop.ts';
import { photoPixels } from '../../src/dataset/pixels.ts';
import { Trouble } from '../../src/trouble.ts';
import type { CropOf } from './crops-page.ts';

addEventListener('message', async ({ data }: MessageEvent<{ name: string; base64: string; size: number }>) => {
  const file = new Blob([Uint8Array.from(atob(data.base64), (letter) => letter.charCodeAt(0))]);
  postMessage(await cropOf(data.name, file, data.size));
});

async function cropOf(name: string, file: Blob, size: number): Promise<CropOf> {
  try {
    const levels = Uint8Array.from(await photoPixels(name, file, centreCrop, size), (value) =>
      Math.round((value + 1) * 127.5),
    );
    let text = '';
    for (let i = 0; i < levels.length; i += 0x8000) text += String.fromCharCode(...levels.subarray(i, i + 0x8000));
    return { crop: btoa(text) };
  } catch (error) {
    if (error instanceof Trouble) return { refused: `${error.code} ${JSON.stringify(error.facts)}` };
    throw error;
  }
}

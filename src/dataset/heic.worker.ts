// The worker that libheif lives in: WASM memory never shrinks, so it goes with the worker. HEIC bytes in, pixels or libheif's words out.
import { expose, transfer } from 'comlink';
import openLibheif, { type MainModule } from 'libheif-js/libheif-wasm/libheif.js';
import wasmAddress from 'libheif-js/libheif-wasm/libheif.wasm?url';
import { decodeHeic, type HeicPixels } from './heic-decoder.ts';

export type HeicAnswer = HeicPixels | { words: string };
export type HeicWorker = typeof worker;

let libheif: Promise<MainModule> | null = null;
async function open(): Promise<MainModule> {
  const response = await fetch(wasmAddress);
  if (!response.ok) throw new Error(`${wasmAddress}: ${response.status}`);
  return openLibheif({ wasmBinary: await response.arrayBuffer() });
}

const worker = {
  /** Rejects only where libheif itself is not here. */
  async decode(bytes: Uint8Array<ArrayBuffer>): Promise<HeicAnswer> {
    libheif ??= open();
    const module = await libheif;
    try {
      const pixels = decodeHeic(module, bytes);
      return transfer(pixels, [pixels.data.buffer]);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw error; // its memory is as it was left
      return { words: error instanceof Error ? error.message : String(error) };
    }
  },
};
expose(worker);

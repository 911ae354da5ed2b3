// In the browser: photos in, the crops that training would learn from out, by the page's own way from a file to pixels, in a worker as there.
export interface CropOf {
  /** (3, size, size) of 0…255, rounded, as base64; or the words of the refusal. */
  crop?: string;
  refused?: string;
}
declare global {
  interface Window {
    crop(name: string, base64: string, size: number): Promise<CropOf>;
  }
}

const worker = new Worker(new URL('./crops-worker.ts', import.meta.url), { type: 'module' });
window.crop = (name, base64, size) =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<CropOf>) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage({ name, base64, size });
  });

// In the browser: a model that the page has stored, uploaded by the app's own code; how long that takes beside reading and writing alone, and the
// sha256 of every buffer, out. page.ts builds and opens it at the page's own address, where its storage is.
import { createSHA256 } from 'hash-wasm';
import { requestGpu } from '../../src/gpu/device.ts';
import { enginePrograms } from '../../src/gpu/engine-plan.ts';
import type { WeightStorage } from '../../src/gpu/engine-types.ts';
import { uploadWeights } from '../../src/gpu/weights.ts';
import { parseUNetConfig } from '../../src/model/config.ts';
import { modelLibrary } from '../../src/storage/model-library.ts';
import { readAndWrite } from './read-and-write.ts';

declare global {
  interface Window {
    /** Every tensor read and handed to the GPU and nothing else; seconds. */
    readAndWrite(modelId: string): Promise<number>;
    /** The app's upload; seconds. */
    upload(modelId: string, weightStorage: WeightStorage): Promise<number>;
    uploadHashed(modelId: string): Promise<Record<string, string>>;
  }
}

const { signal } = new AbortController();
const UNET = 'unet/diffusion_pytorch_model.safetensors';

async function opened(modelId: string, weightStorage: WeightStorage) {
  const model = await modelLibrary(document.baseURI).open(signal, modelId, () => {});
  const config = parseUNetConfig(await model.json('unet/config.json'));
  const sizes = { height: 32, width: 32, rank: 0, alpha: 1 };
  const plan = { config, ...sizes, activations: 'f16', weightStorage, recompute: 'auto' } as const;
  const { device } = await requestGpu();
  return { device, source: await model.tensors(UNET), wanted: enginePrograms(plan, 2 ** 27).weights };
}

window.readAndWrite = async (modelId) => {
  const { device, source } = await opened(modelId, 'f16');
  const seconds = await readAndWrite(device, source);
  device.destroy();
  return seconds;
};

window.upload = async (modelId, weightStorage) => {
  const { device, source, wanted } = await opened(modelId, weightStorage);
  const began = performance.now();
  await uploadWeights(device, wanted, source);
  await device.queue.onSubmittedWorkDone();
  const seconds = (performance.now() - began) / 1000;
  device.destroy();
  return seconds;
};

window.uploadHashed = async (modelId) => {
  const { device, source, wanted } = await opened(modelId, 'f16');
  const hash = await createSHA256();
  const digests: Record<string, string> = {};
  const onWrite = (name: string, bytes: Uint8Array): void => {
    digests[name] = hash.init().update(bytes).digest();
  };
  await uploadWeights(device, wanted, source, undefined, { onWrite });
  device.destroy();
  return digests;
};

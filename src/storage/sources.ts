// The page's address in; where the demo model and Stable Diffusion 1.5 come from, and what the page says of them, out.

import type { Manifest } from './manifest.ts';
import type { ModelInfo, ModelListing } from './model-records.ts';
import { COMMIT, REPOSITORY, sd15Manifest } from './sd15.ts';

/** Where a model comes from. */
export interface ModelSource
  extends Omit<ModelInfo, 'resolution' | 'sizes' | 'bytes' | 'version'>,
    Pick<ModelListing, 'licenceUrl' | 'asksLicence'> {
  baseUrl: URL; // of the folder, with a slash at its end
  /** The list of its files. Null: `manifest.json` at the source says it. */
  manifest: (() => Promise<Manifest>) | null;
  /** A `manifest.json` at the source, where there is one, is taken instead of `manifest`. */
  mirror: boolean;
}

const HUB = 'https://huggingface.co';
/** The hub, and where it sends those who ask for a large file: hosts of two domains, by region and by store. */
export const HUB_ORIGINS = [HUB, 'https://*.huggingface.co', 'https://*.hf.co'] as const;

/** The bundled model, relative to the page (`document.baseURI`; a worker's own address is another). */
export const demoModel = (page: string | URL): ModelSource => ({
  id: 'demo',
  name: 'Demo model',
  source: 'Darkroom',
  licence: 'MIT',
  licenceUrl: null,
  asksLicence: false,
  baseUrl: new URL('models/demo/', page),
  manifest: null,
  mirror: false,
});

/** From Hugging Face, or from the folder that the page's `?mirror=URL` names. */
export function stableDiffusion15(page: string | URL): ModelSource {
  const mirror = new URL(page).searchParams.get('mirror');
  const official = new URL(`${REPOSITORY}/resolve/${COMMIT}/`, HUB);
  const baseUrl = mirror ? new URL(mirror.replace(/\/?$/, '/'), page) : official;
  return {
    id: 'sd15',
    name: 'Stable Diffusion 1.5',
    source: mirror ? baseUrl.host : `${official.host}/${REPOSITORY}`,
    licence: 'CreativeML OpenRAIL-M',
    licenceUrl: new URL('spaces/CompVis/stable-diffusion-license', `${HUB}/`).href,
    asksLicence: true,
    baseUrl,
    manifest: sd15Manifest,
    mirror: mirror !== null,
  };
}

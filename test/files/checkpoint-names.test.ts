// Every tensor of a full-size Stable Diffusion 1.5 and 2.1 in single-file layout, by name and shape: read as diffusers' own converter reads it.
import { describe, expect, it } from 'vitest';
import { familyOf, unetConfig, unetJson } from '../../src/files/checkpoint/configs.ts';
import { fromTwinName } from '../../src/files/checkpoint/ldm-unet-names.ts';
import { readSingleFile } from '../../src/files/checkpoint/single-file.ts';
import { textNeeds, textSizes, unetNeeds, unetSizes, vaeNeeds, vaeSizes } from '../../src/files/checkpoint/sizes.ts';
import type { Tensors } from '../../src/files/checkpoint/stored.ts';
import type { SafetensorsFile } from '../../src/files/safetensors.ts';
import { COMPONENTS, count, type LdmGolden, ldmGolden } from './ldm-golden.ts';

/** A file of two gigabytes whose header is all there is of it. */
function headerOnly(golden: LdmGolden, also: readonly string[] = []): SafetensorsFile {
  const none = () => Promise.reject(new Error('there is no data'));
  return {
    fileName: 'x.safetensors',
    metadata: {},
    keys: () => [...golden.ldm.keys(), ...also],
    has: (key) => golden.ldm.has(key) || also.includes(key),
    shape: (key) => golden.ldm.get(key)?.shape ?? [1],
    dtype: (key) => golden.ldm.get(key)?.dtype ?? 'I64',
    bytes: none,
    slice: none,
    float32: none,
  };
}

const expected = (golden: LdmGolden, component: (typeof COMPONENTS)[number]) =>
  new Map(
    [...golden.made[component]].map(([name, { shape, source, part }]) => [
      name,
      { shape, key: source, first: (part ?? 0) * count(shape) },
    ]),
  );
const got = (tensors: Tensors) =>
  new Map([...tensors].map(([name, { shape, key, first }]) => [name, { shape, key, first }]));

describe.each([
  ['sd15', 'sd1', 859_520_964],
  ['sd21', 'sd2', 865_910_724],
] as const)('%s', (name, family, unetParameters) => {
  const golden = ldmGolden(name);
  const ignored = ['alphas_cumprod', 'cond_stage_model.logit_scale', 'cond_stage_model.model.text_projection'];
  const position = 'cond_stage_model.transformer.text_model.embeddings.position_ids';
  const { weights } = readSingleFile(headerOnly(golden, [...ignored, position, 'model_ema.decay']));

  it.each(COMPONENTS)('%s: every tensor has diffusers’ name, shape and place', (component) => {
    expect(golden.made[component].size).toBeGreaterThan(190);
    expect(got(weights[component])).toEqual(expected(golden, component));
  });

  it('its structure is measured, and needs exactly these tensors', () => {
    const config = unetConfig(unetSizes(weights.unet), null);
    expect(familyOf(config)).toBe(family);
    const own = golden.unetConfig;
    expect(unetJson(config, own.sample_size)).toEqual({ _class_name: 'UNet2DConditionModel', ...own });
    const needs = {
      unet: unetNeeds(config),
      vae: vaeNeeds(vaeSizes(weights.vae)),
      text_encoder: textNeeds(textSizes(weights.text_encoder)),
    };
    for (const component of COMPONENTS) {
      const shapes = new Map([...golden.made[component]].map(([key, { shape }]) => [key, [shape]]));
      expect(needs[component]).toEqual(shapes);
    }
    const parameters = [...weights.unet.values()].reduce((sum, { shape }) => sum + count(shape), 0);
    expect(parameters).toBe(unetParameters);
  });

  it('every name without dots, as its averaged twin has it, is found again', () => {
    const prefix = 'model.diffusion_model.';
    const names = [...golden.ldm.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    expect(names.map((key) => fromTwinName(key.replaceAll('.', '')))).toEqual(names);
  });
});

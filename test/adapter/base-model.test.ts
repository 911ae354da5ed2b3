// What a file says of the model it was trained on, in sd-scripts' and modelspec's words (was: always the demo's, so that SD 2 adapters passed for SD 1).
import { describe, expect, it } from 'vitest';
import { type BaseModel, baseMetadata, baseModelOf, demoBaseModel, saidOfBase } from '../../src/adapter/base-model.ts';
import { kohyaMetadata, withoutNetwork } from '../../src/adapter/metadata.ts';
import { parseUNetConfig } from '../../src/model/config.ts';
import { ldmGolden } from '../files/ldm-golden.ts';

const base = (family: BaseModel['family'], predictionType: BaseModel['predictionType']): BaseModel => ({
  name: 'dreamy v8',
  family,
  predictionType,
});

it.each([
  ['sd1', 'epsilon', 'False', 'sd_v1', 'stable-diffusion-v1/lora', 'epsilon'],
  ['sd1', 'v_prediction', 'False', 'sd_v1_v', 'stable-diffusion-v1/lora', 'v'],
  ['sd2', 'epsilon', 'True', 'sd_v2', 'stable-diffusion-v2-512/lora', 'epsilon'],
  ['sd2', 'v_prediction', 'True', 'sd_v2_v', 'stable-diffusion-v2-768-v/lora', 'v'],
  ['demo', 'epsilon', 'False', 'darkroom_demo', 'darkroom-demo/lora', 'epsilon'],
] as const)('%s, %s', (family, prediction, v2, version, architecture, words) => {
  expect(baseMetadata(base(family, prediction))).toEqual({
    ss_v2: v2,
    ss_base_model_version: version,
    ss_sd_model_name: 'dreamy v8',
    'modelspec.architecture': architecture,
    'modelspec.prediction_type': words,
  });
});

describe('what is not known is left out, not guessed', () => {
  it('an SD 2 of which nobody has said what it predicts', () => {
    expect(baseMetadata(base('sd2', null))).toEqual({ ss_v2: 'True', ss_sd_model_name: 'dreamy v8' });
  });
  it('a model that was deleted before its name was kept', () => {
    const settings = { rank: 4, alpha: 4, steps: 10, resolution: 512 } as Parameters<
      typeof kohyaMetadata
    >[0]['settings'];
    const metadata = kohyaMetadata({ identifier: 'aawxbc', classNoun: 'toy', settings }, null, 5, 10);
    const says = Object.keys(metadata).filter((key) => /v2|base_model|sd_model|architecture|prediction/.test(key));
    expect(says).toEqual([]);
    expect(metadata['modelspec.description']).toBe('Trained with Darkroom.');
    expect(Object.keys(withoutNetwork(metadata)).filter((key) => key.includes('network'))).toEqual([]);
  });
});

it('the family is told by the U-Net, the demo by its id', () => {
  const own = { id: 'own-1', name: 'mine' };
  const [sd1, sd2] = ['narrow-sd1', 'narrow-sd2'].map((name) => parseUNetConfig(ldmGolden(name).unetConfig));
  expect(baseModelOf(own, sd1!, 'epsilon')).toEqual({ name: 'mine', family: 'sd1', predictionType: 'epsilon' });
  expect(baseModelOf(own, sd2!, 'v_prediction')).toEqual({
    name: 'mine',
    family: 'sd2',
    predictionType: 'v_prediction',
  });
  expect(baseModelOf({ id: 'demo', name: 'Demo model' }, sd1!, 'epsilon')).toEqual(demoBaseModel);
});

it('a checkpoint’s own hashes and a schedule that ends in noise are named as sd-scripts names them', () => {
  const hashes = { sha256: 'a'.repeat(64), legacy: 'bbbbbbbb' };
  const sd1 = parseUNetConfig(ldmGolden('narrow-sd1').unetConfig);
  expect(baseMetadata(baseModelOf({ id: 'own-1', name: 'mine', hashes }, sd1, 'v_prediction', true))).toMatchObject({
    ss_base_model_version: 'sd_v1_v',
    ss_v2: 'False',
    ss_sd_model_hash: hashes.legacy,
    ss_new_sd_model_hash: hashes.sha256,
    ss_zero_terminal_snr: 'True',
    'modelspec.architecture': 'stable-diffusion-v1/lora',
    'modelspec.prediction_type': 'v',
  });
});

it('what another’s file says of its base is handed on: that, within bounds, and nothing else', () => {
  const said = { ss_base_model_version: 'sd_v2_v', 'modelspec.architecture': 'x/lora' };
  expect(
    saidOfBase({ ...said, ss_sd_model_name: 'x'.repeat(1e6), ss_tag_frequency: '{}', ss_dataset_dirs: '/home' }),
  ).toEqual(said);
});

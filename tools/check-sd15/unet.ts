// The check's options in; the U-Net through the app's loader and engine, every number with its bar, out.
import { testDevice } from '../dawn.ts';
import { againstDiffusers, againstF16, sizeRows } from './bars.ts';
import { load } from './load.ts';
import { type Measured, measure, UNET } from './measure.ts';
import type { Options } from './options.ts';
import { checkpoint, reference } from './prepare.ts';
import { readAndWrite } from './read-and-write.ts';
import { type Row, row } from './row.ts';
import { differing, uploadDigests } from './uploads.ts';

/** The issue: a stored checkpoint reaches the GPU in at most this many times the time of reading it and `writeBuffer`. */
const SLOWEST_UPLOAD = 1.5;

export async function unetCheck(options: Options): Promise<{ rows: Row[]; report: object }> {
  const folder = await checkpoint(options);
  const wanted = await reference(options);
  const seconds: Record<string, number> = {};
  const model = await load(options, folder, seconds);
  const rows: Row[] = [];
  let f16: Measured | undefined;
  if (options.weights === 'int8') {
    console.log(`f16 weights, ${options.activations} activations`);
    f16 = await measure(await testDevice(), model, wanted, { ...options, weights: 'f16', steps: 0 }, {});
    const { rows: judged } = await againstDiffusers(f16, { ...options, weights: 'f16' }, wanted);
    rows.push(...judged.map((r) => ({ ...r, what: `f16 weights: ${r.what}` })));
  }
  console.log(`${options.weights} weights, ${options.activations} activations`);
  const device = await testDevice();
  seconds['read and write'] = await readAndWrite(device, await model.tensors(UNET));
  const m = await measure(device, model, wanted, options, seconds);
  const compared = await againstDiffusers(m, options, wanted);
  rows.push(...sizeRows(m, options, wanted), ...compared.rows, ...(f16 ? againstF16(m, f16, options) : []));
  const slower = (seconds.upload as number) / seconds['read and write'];
  const upload = 'upload, times reading and writing alone';
  rows.push(options.narrow ? row(upload, slower) : row(upload, slower, '≤', SLOWEST_UPLOAD));
  if (options.layout === 'ldm') {
    const other = await load({ ...options, layout: 'diffusers' }, await checkpoint(options, 'diffusers'), {});
    const written = f16 ?? m; // q8 is made on the GPU
    const digests = await uploadDigests(written.wanted, await other.tensors(UNET));
    rows.push(row('buffers that the two layouts fill differently', differing(written.sha256, digests).length, '=', 0));
  }
  const { parameters, dispatches, bytes, flops, loss, stepLosses } = m;
  const report = {
    ...{ options, parameters, dispatches, bytes, flops, loss, stepLosses, errors: compared.errors, seconds },
    reference: wanted.facts,
    sha256: Object.fromEntries(m.sha256),
  };
  return { rows, report };
}

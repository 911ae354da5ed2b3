// What was measured, the reference and the options in; rows with their bars out. The bars are those of issue 4.
import type { SafetensorsFile } from '../../src/files/safetensors.ts';
import { Distance, type GradientErrors, gradientErrors } from './errors.ts';
import type { Measured } from './measure.ts';
import type { Options } from './options.ts';
import type { Reference } from './prepare.ts';
import { type Row, row } from './row.ts';

const SD15 = { parameters: 859_520_964, modules: 128, adapterParameters: 797_184 };
/** GPU bytes of a 512² step with f16 activations. */
const MOST_BYTES = { f16: 2.1e9, int8: 1.2e9 };
/** 50 ms at 250 GFLOP/s. */
const MOST_DISPATCH_FLOPS = 12.5e9;
const AGAINST_DIFFUSERS = {
  f32: { forward: 1e-4, loss: 1e-4, gradient: 1e-3, together: 1e-3 },
  f16: { forward: 5e-3, loss: 2e-3, gradient: 1e-1, together: 1e-2 },
};
const INT8 = { plain: { forward: 2e-2, cosine: 0.995 }, heavy: { forward: 5e-2, cosine: 0.99 } };

/** What the plan says and what was allocated. */
export function sizeRows(m: Measured, options: Options, { facts }: Reference): Row[] {
  const { narrow, size, activations, weights } = options;
  const whole = !narrow;
  return [
    whole ? row('parameters', m.parameters, '=', SD15.parameters) : row('parameters', m.parameters),
    row('adapted modules', m.adapter.modules, '=', SD15.modules),
    whole
      ? row('adapter parameters', m.adapter.parameters, '=', SD15.adapterParameters)
      : row('adapter parameters', m.adapter.parameters),
    row('forward FLOPs as torch counts them', m.flops.forward, '=', facts.flops ?? Number.NaN),
    row('FLOPs of the largest dispatch', m.largestDispatch, '≤', MOST_DISPATCH_FLOPS),
    row('peak GPU bytes as planned', m.bytes.peak, '=', m.bytes.total),
    ...(whole && size === 512 && activations === 'f16'
      ? [row('peak GPU bytes', m.bytes.peak, '≤', MOST_BYTES[weights])]
      : []),
  ];
}

export interface Compared {
  rows: Row[];
  errors: Record<string, { relL2: number }>;
}

/** Against diffusers + peft in f32. With int8 weights nothing is asked of these numbers: they are told. */
export async function againstDiffusers(m: Measured, options: Options, { tensors }: Reference): Promise<Compared> {
  const bars = options.weights === 'f16' ? AGAINST_DIFFUSERS[options.activations] : undefined;
  const want = await gradientsIn(tensors);
  const wantedLoss = (await tensors.float32('loss'))[0] as number;
  const forward = new Distance().add(m.noisePred, await tensors.float32('noise_pred')).relL2;
  const gradients = gradientErrors(m.modules, m.gradients, (key) => want.get(key) as Float32Array);
  const lossError = (loss: number): number => Math.abs(loss - wantedLoss) / wantedLoss;
  const judged = (what: string, got: number, bar: number | undefined): Row =>
    bar === undefined ? row(what, got) : row(what, got, '≤', bar);
  const [worstKey, worst] = worstOf(gradients);
  const rows = [
    judged('noise prediction, rel. L2', forward, bars?.forward),
    judged('loss, relative', lossError(m.loss), bars?.loss),
    judged('gradients of all A, rel. L2', gradients.all.A.relL2, bars?.together),
    judged('gradients of all B, rel. L2', gradients.all.B.relL2, bars?.together),
    { ...judged('worst gradient, rel. L2', worst, bars?.gradient), of: worstKey },
    ...(m.stepLosses.length > 0
      ? [judged('loss of the first step, relative', lossError(m.stepLosses[0] as number), bars?.loss)]
      : []),
  ];
  const errors = {
    noise_pred: { relL2: forward },
    loss: { relL2: lossError(m.loss) },
    ...Object.fromEntries(Object.entries(gradients.each).map(([key, relL2]) => [`grad.${key}`, { relL2 }])),
    'all A': { relL2: gradients.all.A.relL2 },
    'all B': { relL2: gradients.all.B.relL2 },
  };
  return { rows, errors };
}

/** 8-bit weights against the same engine with f16 weights. */
export function againstF16(int8: Measured, f16: Measured, { heavy }: Options): Row[] {
  const bars = heavy ? INT8.heavy : INT8.plain;
  const gradients = gradientErrors(
    int8.modules,
    int8.gradients,
    (_, name, part) => f16.gradients.get(name)?.[part] as Float32Array,
  );
  return [
    row(
      'int8 against f16: noise prediction, rel. L2',
      new Distance().add(int8.noisePred, f16.noisePred).relL2,
      '≤',
      bars.forward,
    ),
    row('int8 against f16: gradients of all A, cosine', gradients.all.A.cosine, '≥', bars.cosine),
    row('int8 against f16: gradients of all B, cosine', gradients.all.B.cosine, '≥', bars.cosine),
  ];
}

async function gradientsIn(tensors: SafetensorsFile): Promise<Map<string, Float32Array>> {
  const keys = tensors.keys().filter((key) => key.startsWith('grad.'));
  return new Map(
    await Promise.all(keys.map(async (key) => [key.slice('grad.'.length), await tensors.float32(key)] as const)),
  );
}

const worstOf = ({ each }: GradientErrors): [string, number] =>
  Object.entries(each).reduce((worst, entry) => (entry[1] > worst[1] || Number.isNaN(entry[1]) ? entry : worst));

// A compared workload in; it in TensorFlow.js on its WebGPU backend, timed and read, out.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { build } from 'vite';
import { ATTENTION, CONV, NORM, PROJECTIONS, STEP } from '../../src/bench/workloads.ts';
import { root } from '../packages.mjs';
import { batched, type Compared, hwio, type Peer, type Prepared, swapped } from './peer.ts';

type Tf = typeof import('./tfjs-entry.ts');
type Named = Record<string, Tensor>;
/** Bundles it into `.cache/bench`: a second or two. @throws Error where it finds no WebGPU. */
export async function tfjsPeer(): Promise<Peer> {
  const outDir = join(root, '.cache', 'bench');
  await build({
    ...{ configFile: false, root, logLevel: 'error', resolve: { mainFields: ['module', 'main'] } },
    ssr: { noExternal: true },
    build: {
      ...{ ssr: 'tools/bench/tfjs-entry.ts', outDir, emptyOutDir: true },
      rolldownOptions: { output: { format: 'cjs', entryFileNames: 'tfjs.cjs' } },
    },
  });
  // Required, not imported: the runner that this file came through imports nothing any more.
  const tf = createRequire(import.meta.url)(join(outDir, 'tfjs.cjs')) as Tf;
  if (!(await tf.setBackend('webgpu'))) throw new Error('it found no WebGPU');
  await tf.ready();
  return { name: `tfjs ${tf.version_core}`, prepare: async (compared) => prepared(tf, compared) };
}

function prepared(tf: Tf, { kind, workload: { values } }: Compared): Prepared {
  const of = (name: string): Float32Array<ArrayBuffer> => values.get(name) as Float32Array<ArrayBuffer>;
  if (kind === 'gemm') {
    const m = 1024;
    const k = of('x').length / m;
    const inputs = [tf.tensor(of('x'), [m, k]), tf.tensor(of('w'), [of('w').length / k, k])];
    return forward(tf, inputs, ([x, w]) => tf.matMul(x as Tensor, w as Tensor, false, true));
  }
  if (kind === 'conv') {
    const { side, channels: c } = CONV;
    const inputs = [tf.tensor(of('x'), [1, side, side, c]), tf.tensor(hwio(of('w'), c), [3, 3, c, c])];
    return forward(tf, inputs, ([x, w]) => tf.conv2d(x as Tensor4D, w as Tensor4D, 1, 'same'));
  }
  if (kind === 'attention') {
    const { heads, tokens, width } = ATTENTION;
    const d = width / heads;
    const inputs = ['q', 'k', 'v'].map((name) => tf.tensor(swapped(of(name), tokens, heads, d), [heads, tokens, d]));
    return forward(
      tf,
      inputs,
      ([q, k, v]) => attended(tf, q as Tensor, k as Tensor, v as Tensor),
      (y) => swapped(y, heads, tokens, d),
    );
  }
  if (kind === 'norm') {
    const { side, channels: c, groups, eps } = NORM;
    const inputs = [tf.tensor(of('x'), [side * side, c]), tf.tensor(of('gamma'), [c]), tf.tensor(of('beta'), [c])];
    return forward(tf, inputs, ([x, gamma, beta]) =>
      groupNormSilu(tf, x as Tensor, gamma as Tensor, beta as Tensor, groups, eps),
    );
  }
  return step(tf, of);
}

/** All that was asked is done: the queue is in order, and one number of the last result is read. */
async function done(tf: Tf, last: Tensor | undefined): Promise<void> {
  if (!last) return;
  const one = tf.tidy(() => tf.slice(tf.reshape(last, [-1]), [0], [1]));
  await one.data();
  one.dispose();
}

function forward(
  tf: Tf,
  inputs: Tensor[],
  compute: (inputs: Tensor[]) => Tensor,
  layout = (y: Float32Array) => y,
): Prepared {
  const run = (): Tensor => tf.tidy(() => compute(inputs));
  return {
    time: batched(run, async (made) => {
      await done(tf, made.at(-1));
      for (const y of made) y.dispose();
    }),
    results: async () => new Map([['y', layout((await run().data()) as Float32Array)]]),
    destroy: () => tf.dispose(inputs),
  };
}

/** (heads, tokens, d) each. */
const attended = (tf: Tf, q: Tensor, k: Tensor, v: Tensor): Tensor => {
  const scores = tf.mul(tf.matMul(q, k, false, true), (q.shape.at(-1) as number) ** -0.5);
  return tf.matMul(tf.softmax(scores), v);
};

/** x (positions, C). */
function groupNormSilu(tf: Tf, x: Tensor, gamma: Tensor, beta: Tensor, groups: number, eps: number): Tensor {
  const grouped = tf.reshape(x, [x.shape[0] as number, groups, -1]);
  const { mean, variance } = tf.moments(grouped, [0, 2], true);
  const normed = tf.reshape(tf.div(tf.sub(grouped, mean), tf.sqrt(tf.add(variance, eps))), x.shape);
  const z = tf.add(tf.mul(normed, gamma), beta);
  return tf.mul(z, tf.sigmoid(z));
}

function step(tf: Tf, of: (name: string) => Float32Array<ArrayBuffer>): Prepared {
  const { side, channels: c, groups, eps, heads, rank, adam } = STEP;
  const tokens = side ** 2;
  const frozen: Named = {
    gamma: tf.tensor(of('norm.weight'), [c]),
    beta: tf.tensor(of('norm.bias'), [c]),
    conv1: tf.tensor(hwio(of('conv1.weight'), c), [3, 3, c, c]),
    conv2: tf.tensor(hwio(of('conv2.weight'), c), [3, 3, c, c]),
    target: tf.tensor(of('target'), [tokens, c]),
  };
  const trained: Named = { x: tf.tensor(of('x'), [tokens, c]) };
  for (const name of PROJECTIONS) {
    frozen[name] = tf.tensor(of(`${name}.weight`), [c, c]);
    trained[`${name}.lora.down`] = tf.tensor(of(`${name}.lora.down`), [rank, c]);
    trained[`${name}.lora.up`] = tf.tensor(of(`${name}.lora.up`), [c, rank]);
  }
  const names = Object.keys(trained);
  const factors = names.filter((name) => name !== 'x');
  const moments: Named = {};
  for (const name of factors)
    for (const moment of ['m', 'v']) moments[`${moment} ${name}`] = tf.zeros((trained[name] as Tensor).shape);

  const loss = (...given: Tensor[]): Tensor => {
    const t: Named = Object.fromEntries(names.map((name, i) => [name, given[i] as Tensor]));
    const at = (named: Named, name: string): Tensor => named[name] as Tensor;
    const normed = groupNormSilu(tf, at(t, 'x'), at(frozen, 'gamma'), at(frozen, 'beta'), groups, eps);
    const conv = (x: Tensor, name: string): Tensor => tf.conv2d(x as Tensor4D, at(frozen, name) as Tensor4D, 1, 'same');
    const mixed = conv(conv(tf.reshape(normed, [1, side, side, c]), 'conv1'), 'conv2');
    const h = tf.add(tf.reshape(mixed, [tokens, c]), at(t, 'x'));
    const layer = (x: Tensor, name: string): Tensor => {
      const low = tf.matMul(x, at(t, `${name}.lora.down`), false, true);
      return tf.add(tf.matMul(x, at(frozen, name), false, true), tf.matMul(low, at(t, `${name}.lora.up`), false, true));
    };
    const split = (x: Tensor): Tensor => tf.transpose(tf.reshape(x, [tokens, heads, c / heads]), [1, 0, 2]);
    const [q, k, v] = ['to_q', 'to_k', 'to_v'].map((name) => split(layer(h, name))) as [Tensor, Tensor, Tensor];
    const joined = tf.reshape(tf.transpose(attended(tf, q, k, v), [1, 0, 2]), [tokens, c]);
    return tf.mean(tf.square(tf.sub(layer(joined, 'to_out.0'), at(frozen, 'target'))));
  };
  const gradient = tf.valueAndGrads(loss);
  const run = (): Named =>
    tf.tidy(() => {
      const { value, grads } = gradient(names.map((name) => trained[name] as Tensor));
      const out: Named = { loss: value, dx: grads[0] as Tensor };
      for (const name of factors) {
        const g = grads[names.indexOf(name)] as Tensor;
        const m = tf.add(tf.mul(moments[`m ${name}`] as Tensor, adam.beta1), tf.mul(g, 1 - adam.beta1));
        const v = tf.add(tf.mul(moments[`v ${name}`] as Tensor, adam.beta2), tf.mul(tf.square(g), 1 - adam.beta2));
        // The first step's bias corrections: 1 − beta.
        const root = tf.add(tf.sqrt(tf.div(v, 1 - adam.beta2)), adam.epsilon);
        const update = tf.mul(tf.div(tf.div(m, 1 - adam.beta1), root), adam.learningRate);
        out[name] = tf.sub(trained[name] as Tensor, update);
        Object.assign(out, { [`d ${name}`]: g, [`m ${name}`]: m, [`v ${name}`]: v });
      }
      return out;
    });
  return {
    time: batched(run, async (made) => {
      await done(tf, made.at(-1)?.loss);
      tf.dispose([...made]);
    }),
    async results() {
      const read = new Map<string, Float32Array>();
      for (const [name, x] of Object.entries(run())) read.set(name, (await x.data()) as Float32Array);
      return read;
    },
    destroy: () => tf.dispose([frozen, trained, moments]),
  };
}

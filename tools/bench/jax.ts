// A compared workload in; it in jax-js (`@jax-js/jax`, jit), timed and read, out.
import {
  blockUntilReady,
  defaultDevice,
  init,
  type Array as Jax,
  jit,
  lax,
  nn,
  numpy as np,
  valueAndGrad,
} from '@jax-js/jax';
import { ATTENTION, CONV, NORM, PROJECTIONS, STEP } from '../../src/bench/workloads.ts';
import { batched, type Compared, oihw, type Peer, type Prepared, transposed } from './peer.ts';

type Named = Record<string, Jax>;

/** @throws Error where it finds no WebGPU. */
export async function jaxPeer(): Promise<Peer> {
  if (!(await init('webgpu')).includes('webgpu')) throw new Error('it found no WebGPU');
  defaultDevice('webgpu');
  return { name: 'jax-js 0.1.25', prepare: async (compared) => prepared(compared) };
}

function prepared({ kind, workload: { values } }: Compared): Prepared {
  const of = (name: string): Float32Array<ArrayBuffer> => values.get(name) as Float32Array<ArrayBuffer>;
  const put = (data: Float32Array<ArrayBuffer>, shape: number[]): Jax => np.array(data).reshape(shape);
  if (kind === 'gemm') {
    const { work } = sizes(of('x'), of('w'));
    const { m, k, n } = work;
    const f = jit((x: Jax, w: Jax) => np.matmul(x, w));
    return forward(f, [put(of('x'), [m, k]), put(transposed(of('w'), n, k), [k, n])], (y) => y);
  }
  if (kind === 'conv') {
    const { side, channels: c } = CONV;
    const f = jit((x: Jax, w: Jax) => lax.conv(x, w, [1, 1], 'SAME'));
    const x = put(transposed(of('x'), side * side, c), [1, c, side, side]);
    return forward(f, [x, put(oihw(of('w'), c, c), [c, c, 3, 3])], (y) => transposed(y, c, side * side));
  }
  if (kind === 'attention') {
    const { heads, tokens, width } = ATTENTION;
    const f = jit((q: Jax, k: Jax, v: Jax) => nn.dotProductAttention(q, k, v));
    const shape = [1, tokens, heads, width / heads];
    return forward(
      f,
      ['q', 'k', 'v'].map((name) => put(of(name), shape)),
      (y) => y,
    );
  }
  if (kind === 'norm') {
    const { side, channels: c, groups, eps } = NORM;
    const x = put(transposed(of('x'), side * side, c), [1, c, side, side]);
    const f = jit((x: Jax, gamma: Jax, beta: Jax) => groupNormSilu(x, gamma, beta, groups, eps));
    const affine = ['gamma', 'beta'].map((name) => put(of(name), [1, c, 1, 1]));
    return forward(f, [x, ...affine], (y) => transposed(y, c, side * side));
  }
  return step(of, put);
}

const sizes = (x: Float32Array, w: Float32Array) => {
  // Of both products m is 1024.
  const m = 1024;
  return { work: { m, k: x.length / m, n: w.length / (x.length / m) } };
};

function forward(
  f: (...inputs: Jax[]) => Jax,
  inputs: readonly Jax[],
  layout: (y: Float32Array) => Float32Array,
): Prepared {
  const run = (): Jax => f(...inputs.map((x) => x.ref));
  return {
    time: batched(run, async (made) => {
      await blockUntilReady([...made]);
      for (const y of made) y.dispose();
    }),
    results: async () => new Map([['y', layout((await run().data()) as Float32Array)]]),
    destroy: () => inputs.forEach((x) => void x.dispose()),
  };
}

/** x (1, C, H, W). */
function groupNormSilu(x: Jax, gamma: Jax, beta: Jax, groups: number, eps: number): Jax {
  const { shape } = x;
  const grouped = x.reshape([1, groups, -1]);
  const mean = np.mean(grouped.ref, 2, { keepdims: true });
  const centred = grouped.sub(mean);
  const variance = np.mean(np.square(centred.ref), 2, { keepdims: true });
  const normed = centred.div(np.sqrt(variance.add(eps))).reshape(shape);
  return nn.silu(normed.mul(gamma).add(beta));
}

function step(
  of: (name: string) => Float32Array<ArrayBuffer>,
  put: (data: Float32Array<ArrayBuffer>, shape: number[]) => Jax,
): Prepared {
  const { side, channels: c, groups, eps, heads, rank, adam } = STEP;
  const tokens = side ** 2;
  const frozen: Named = {
    gamma: put(of('norm.weight'), [1, c, 1, 1]),
    beta: put(of('norm.bias'), [1, c, 1, 1]),
    conv1: put(oihw(of('conv1.weight'), c, c), [c, c, 3, 3]),
    conv2: put(oihw(of('conv2.weight'), c, c), [c, c, 3, 3]),
    target: put(of('target'), [tokens, c]),
  };
  const trained: Named = { x: put(transposed(of('x'), tokens, c), [1, c, side, side]) };
  const moments: Named = {};
  for (const name of PROJECTIONS) {
    frozen[name] = put(transposed(of(`${name}.weight`), c, c), [c, c]);
    trained[`${name}.lora.down`] = put(of(`${name}.lora.down`), [rank, c]);
    trained[`${name}.lora.up`] = put(of(`${name}.lora.up`), [c, rank]);
  }
  const factors = Object.keys(trained).filter((name) => name !== 'x');
  for (const name of factors)
    for (const moment of ['m', 'v']) moments[`${moment} ${name}`] = np.zeros((trained[name] as Jax).shape);

  const loss = (t: Named, w: Named): Jax => {
    const at = (named: Named, name: string): Jax => (named[name] as Jax).ref;
    const normed = groupNormSilu(at(t, 'x'), at(w, 'gamma'), at(w, 'beta'), groups, eps);
    const conv = (x: Jax, name: string): Jax => lax.conv(x, at(w, name), [1, 1], 'SAME');
    const h = np.transpose(conv(conv(normed, 'conv1'), 'conv2').add(at(t, 'x')).reshape([c, tokens]));
    const layer = (x: Jax, name: string): Jax => {
      const low = np.matmul(x.ref, np.transpose(at(t, `${name}.lora.down`)));
      return np.matmul(x, at(w, name)).add(np.matmul(low, np.transpose(at(t, `${name}.lora.up`))));
    };
    const split = (x: Jax): Jax => x.reshape([1, tokens, heads, c / heads]);
    const [q, k, v] = ['to_q', 'to_k', 'to_v'].map((name) => split(layer(h.ref, name))) as [Jax, Jax, Jax];
    h.dispose();
    const pred = layer(nn.dotProductAttention(q, k, v).reshape([tokens, c]), 'to_out.0');
    const result = np.mean(np.square(pred.sub(at(w, 'target'))));
    for (const one of [...Object.values(t), ...Object.values(w)]) one.dispose();
    return result;
  };
  const [decay1, decay2] = [1 - adam.beta1, 1 - adam.beta2];
  const f = jit((t: Named, w: Named, old: Named): Named => {
    const kept = Object.fromEntries(factors.map((name) => [name, (t[name] as Jax).ref]));
    const [value, gradient] = valueAndGrad(loss)(t, w) as unknown as [Jax, Named];
    const out: Named = { loss: value, dx: gradient.x as Jax };
    for (const name of factors) {
      const g = gradient[name] as Jax;
      const m = (old[`m ${name}`] as Jax).mul(adam.beta1).add(g.ref.mul(decay1));
      const v = (old[`v ${name}`] as Jax).mul(adam.beta2).add(np.square(g.ref).mul(decay2));
      // The first step's bias corrections: 1 − beta.
      const update = m.ref.mul(1 / decay1).div(np.sqrt(v.ref.mul(1 / decay2)).add(adam.epsilon));
      out[name] = (kept[name] as Jax).sub(update.mul(adam.learningRate));
      Object.assign(out, { [`d ${name}`]: g, [`m ${name}`]: m, [`v ${name}`]: v });
    }
    return out;
  });
  const again = (named: Named): Named => Object.fromEntries(Object.entries(named).map(([name, x]) => [name, x.ref]));
  const run = (): Named => f(again(trained), again(frozen), again(moments));
  const letGo = (named: Named): void => Object.values(named).forEach((x) => void x.dispose());
  return {
    time: batched(run, async (made) => {
      await blockUntilReady(made.flatMap((named) => Object.values(named)));
      made.forEach(letGo);
    }),
    async results() {
      const read = new Map<string, Float32Array>();
      for (const [name, x] of Object.entries(run())) read.set(name, (await x.data()) as Float32Array);
      return read.set('dx', transposed(read.get('dx') as Float32Array, c, tokens));
    },
    destroy: () => [trained, frozen, moments].forEach(letGo),
  };
}

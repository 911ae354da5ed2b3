// In: a U-Net's config.json, its activations and the least GFLOPs of a kernel. Out: on stderr, a marker for each kernel of a 512 px training step, then what the driver that compiles it prints.
import { readFile } from 'node:fs/promises';
import { enginePrograms, kernelsFor } from '../../src/gpu/engine-plan.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { pipelineKey } from '../../src/gpu/shader.ts';
import type { Launch } from '../../src/graph/op.ts';
import { parseUNetConfig } from '../../src/model/config.ts';
import type { DType } from '../../src/tensor/tensor.ts';
import { testDevice } from '../dawn.ts';

/** One kernel after another: the driver's words follow their marker. */
export async function main([configFile, activations, least]: string[]): Promise<void> {
  const config = parseUNetConfig(JSON.parse(await readFile(configFile as string, 'utf8')));
  const optimizer = {
    learningRates: new Float32Array([1e-4]),
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 1e-2,
    clip: 1,
  };
  const size = { height: 64, width: 64, activations: activations as DType };
  const run = { rank: 4, alpha: 4, recompute: 'on' as const, micro: 1, optimizer, kernels: kernelsFor(false) };
  const { plans } = enginePrograms({ config, ...size, ...run }, 128 * 2 ** 20);
  const kernels = new Map<string, { launch: Launch; flops: number; dispatches: number }>();
  for (const { launch } of [...(plans.train?.dispatches ?? []), ...(plans.update?.dispatches ?? [])]) {
    const kernel = kernels.get(pipelineKey(launch)) ?? { launch, flops: 0, dispatches: 0 };
    kernels.set(pipelineKey(launch), { launch, flops: kernel.flops + launch.flops, dispatches: kernel.dispatches + 1 });
  }
  const pipelines = new Pipelines(await testDevice());
  for (const { launch, flops, dispatches } of kernels.values()) {
    if (flops < Number(least) * 1e9) continue;
    console.error(
      `@@ ${JSON.stringify({ shader: launch.shader, defines: launch.defines, gflops: flops / 1e9, dispatches })}`,
    );
    await pipelines.prepare([launch]);
  }
}

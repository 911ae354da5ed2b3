// pipelines: launches → compiled compute pipelines, one for each distinct kernel, made up front and never during a run.
import type { Launch } from '../graph/op.ts';
import { pipelineKey, storageClass, wgsl } from './shader.ts';

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** A launch's operands in binding order (1 …). */
export const operandsOf = (launch: Launch) => [...Object.entries(launch.reads), ...Object.entries(launch.writes)];

export class Pipelines {
  #made = new Map<string, Pipeline>();
  constructor(readonly device: GPUDevice) {}

  /** Compiles what `launches` need and is not there yet. @throws Error with the compiler's words and the kernel's name. */
  async prepare(launches: readonly Launch[], onProgress?: (done: number, total: number) => void): Promise<void> {
    const missing = new Map(launches.map((l) => [pipelineKey(l), l] as const).filter(([key]) => !this.#made.has(key)));
    let done = 0;
    await Promise.all(
      [...missing].map(async ([key, launch]) => {
        this.#made.set(key, await this.#make(key, launch));
        onProgress?.(++done, missing.size);
      }),
    );
  }

  get(launch: Launch): Pipeline {
    const made = this.#made.get(pipelineKey(launch));
    if (!made) throw new Error(`${pipelineKey(launch)} was not prepared`);
    return made;
  }

  async #make(key: string, launch: Launch): Promise<Pipeline> {
    const { device } = this;
    const COMPUTE = 4; // GPUShaderStage.COMPUTE, which Node's globals may not have yet
    const layout = device.createBindGroupLayout({
      entries: [
        ...(Object.keys(launch.dims).length > 0
          ? [{ binding: 0, visibility: COMPUTE, buffer: { type: 'uniform' as const } }]
          : []),
        ...operandsOf(launch).map(([, o], i) => ({
          binding: i + 1,
          visibility: COMPUTE,
          buffer: { type: storageClass(o) === 'read' ? ('read-only-storage' as const) : ('storage' as const) },
        })),
      ],
    });
    const module = device.createShaderModule({ code: wgsl(launch), label: launch.shader });
    try {
      const pipeline = await device.createComputePipelineAsync({
        label: `${launch.shader}/${launch.entry}`,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: launch.entry },
      });
      return { pipeline, layout };
    } catch (error) {
      const { messages } = await module.getCompilationInfo();
      const words = messages.map((m) => `line ${m.lineNum}: ${m.message}`).join('\n');
      throw new Error(
        `shaders/${launch.shader}.wgsl (${key}) did not compile: ${error instanceof Error ? error.message : error}\n${words}`,
      );
    }
  }
}

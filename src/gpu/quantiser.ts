// quantiser: f16 weights, a piece at a time → their q8 buffers, computed on the GPU (shaders/quantise.wgsl, where q8 is told).
import { Q8 } from '../tensor/tensor.ts';
import { type Lane, laneOf } from './lane.ts';
import { ifRoom } from './reserve.ts';
import { shaderFile } from './shader.ts';

const THREADS = 64; // a group of weights each, as the shader has it
const NONE = 0xffffffff;
/** Weights that are on their way at a time. */
const PIECE_HALVES = 2 ** 20;
/** What a piece costs: little, beside its way there. */
const PIECE = { flops: 0, dispatches: 1 };
/** GPU memory that quantising takes for a while. */
export const QUANTISER_BYTES = 2 * PIECE_HALVES;

/** Takes tensors one after another; the words of each are in its buffer when the queue has got there. */
export class Quantiser {
  readonly #lane: Lane;
  readonly #bindGroups = new Map<GPUBuffer, GPUBindGroup>();

  private constructor(
    readonly device: GPUDevice,
    readonly pipeline: GPUComputePipeline,
    readonly buffers: Readonly<Record<'piece' | 'halves' | 'notFinite' | 'readback', GPUBuffer>>,
  ) {
    this.#lane = laneOf(device);
  }

  /**
   * @param tensors how many are told apart.
   * @returns null where the device has no room for a piece.
   */
  static async make(device: GPUDevice, tensors: number): Promise<Quantiser | null> {
    const module = device.createShaderModule({ label: 'quantise', code: shaderFile('quantise') });
    const compute = { module, entryPoint: 'quantise' };
    const pipeline = await device.createComputePipelineAsync({ label: 'quantise', layout: 'auto', compute });
    const { STORAGE, COPY_SRC, COPY_DST, UNIFORM, MAP_READ } = GPUBufferUsage;
    const made: GPUBuffer[] = [];
    const buffer = (label: string, size: number, usage: number): GPUBuffer => {
      const one = device.createBuffer({ label: `quantiser:${label}`, size, usage });
      made.push(one);
      return one;
    };
    const buffers = await ifRoom(device, () => ({
      piece: buffer('piece', 16, UNIFORM | COPY_DST),
      halves: buffer('halves', QUANTISER_BYTES, STORAGE | COPY_DST),
      notFinite: buffer('notFinite', 4 * tensors, STORAGE | COPY_SRC | COPY_DST),
      readback: buffer('readback', 4 * tensors, MAP_READ | COPY_DST),
    }));
    if (!buffers) {
      for (const one of made) one.destroy(); // some of them may have been granted
      return null;
    }
    device.queue.writeBuffer(buffers.notFinite, 0, new Uint32Array(tensors).fill(NONE));
    return new Quantiser(device, pipeline, buffers);
  }

  /** Submits a whole tensor, f16 bits, piece by piece as there is room; q8 words will be in its buffer. */
  async write(words: GPUBuffer, tensor: number, halves: Uint16Array<ArrayBuffer>): Promise<void> {
    const { device, pipeline, buffers } = this;
    for (let first = 0; first < halves.length; first += PIECE_HALVES) {
      const piece = halves.subarray(first, first + PIECE_HALVES);
      const groups = piece.length / Q8.group;
      await this.#lane.room(PIECE);
      device.queue.writeBuffer(buffers.halves, 0, piece);
      device.queue.writeBuffer(buffers.piece, 0, Uint32Array.of(groups, first / Q8.group, tensor, 0));
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, this.#bindGroup(words));
      pass.dispatchWorkgroups(Math.ceil(groups / THREADS));
      pass.end();
      this.#lane.submit([encoder.finish()], PIECE);
    }
  }

  /** For each tensor the index of its first weight that is NaN or infinite (as it lies on the GPU), or −1; when all pieces have been worked on. */
  async notFinite(): Promise<number[]> {
    const { device, buffers } = this;
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffers.notFinite, 0, buffers.readback, 0, buffers.readback.size);
    await this.#lane.room(PIECE);
    this.#lane.submit([encoder.finish()], PIECE);
    await this.#lane.waits.until(buffers.readback.mapAsync(GPUMapMode.READ));
    return Array.from(new Uint32Array(buffers.readback.getMappedRange()), (index) => (index === NONE ? -1 : index));
  }

  destroy(): void {
    for (const buffer of Object.values(this.buffers)) buffer.destroy();
  }

  #bindGroup(words: GPUBuffer): GPUBindGroup {
    const { piece, halves, notFinite } = this.buffers;
    const made =
      this.#bindGroups.get(words) ??
      this.device.createBindGroup({
        layout: this.pipeline.getBindGroupLayout(0),
        entries: [piece, halves, words, notFinite].map((buffer, binding) => ({ binding, resource: { buffer } })),
      });
    this.#bindGroups.set(words, made);
    return made;
  }
}

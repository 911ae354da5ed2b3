// Graph: ops with known shapes in execution order. Building it is type checking: a wrong shape is an error here, never on the GPU.
import {
  type DType,
  describeTensor,
  fitsQ8,
  lastDim,
  type StorageType,
  sameShape,
  type Tensor,
  type TensorKind,
} from '../tensor/tensor.ts';
import type { Attrs, Node, Op, Tensors } from './op.ts';

export class Graph {
  readonly nodes: Node[] = [];
  readonly tensors: Tensor[] = [];
  /** Set while a module is built; nodes remember it. */
  block = '';
  #params = new Map<string, Tensor>();
  #grads = new Map<number, Tensor>();
  #nextId = 0;

  /**
   * @param activations storage type of temporaries whose op does not insist on one.
   * @param matrices storage type of frozen matrices and convolutions, where their shape allows it.
   */
  constructor(
    readonly activations: DType = 'f32',
    readonly matrices: 'f16' | 'q8' = 'f16',
  ) {}

  /** A tensor of the given kind. f16 needs an even last dimension (values are stored in pairs); an odd one falls back to f32. */
  tensor(name: string, shape: readonly number[], kind: TensorKind, dtype: StorageType = 'f32'): Tensor {
    if (shape.some((d) => !Number.isInteger(d) || d < 1))
      throw new Error(`${name}: shape [${shape}] has a dimension that is not a whole number ≥ 1`);
    const stored = kind === 'temp' && lastDim(shape) % 2 === 1 ? 'f32' : dtype;
    const t: Tensor = { id: this.#nextId++, name, shape: [...shape], dtype: stored, kind };
    this.tensors.push(t);
    return t;
  }

  /** A frozen or trainable parameter by its diffusers key; asked for twice, it is one tensor. */
  param(key: string, shape: readonly number[], kind: 'weight' | 'lora' | 'state', dtype: StorageType): Tensor {
    const known = this.#params.get(key);
    if (known) {
      if (!sameShape(known.shape, shape))
        throw new Error(`${key}: used as [${shape}], but it is ${describeTensor(known)}`);
      return known;
    }
    const t = this.tensor(key, shape, kind, dtype);
    this.#params.set(key, t);
    return t;
  }

  /** A frozen matrix (O, I) or convolution (O, 3, 3, I) by its diffusers key: what only products read. */
  matrix(key: string, shape: readonly number[]): Tensor {
    return this.param(key, shape, 'weight', fitsQ8(shape) ? this.matrices : 'f16');
  }

  /** The gradient of a LoRA parameter: the same place in the flat gradient buffer. Kernels add to it. */
  gradOf(param: Tensor): Tensor {
    if (param.kind !== 'lora') throw new Error(`${param.name} is ${param.kind}: only LoRA parameters have gradients`);
    const known = this.#grads.get(param.id);
    if (known) return known;
    const t = this.tensor(`grad.${param.name}`, param.shape, 'lora-grad');
    this.#grads.set(param.id, t);
    return t;
  }

  /** Appends one op. `outputs` names tensors that exist already (a gradient to add to, an output to keep); the rest are made. */
  emit(op: Op, inputs: Record<string, Tensor | undefined>, attrs: Attrs = {}, outputs: Tensors = {}): Tensors {
    const present = Object.fromEntries(Object.entries(inputs).filter((e): e is [string, Tensor] => e[1] !== undefined));
    const made: Record<string, Tensor> = {};
    for (const [name, spec] of Object.entries(op.shape(present, attrs))) {
      const given = outputs[name];
      if (given && !sameShape(given.shape, spec.shape))
        throw new Error(`${op.name}.${name}: expected [${spec.shape}], got ${describeTensor(given)}`);
      made[name] =
        given ?? this.tensor(`${this.block}/${op.name}.${name}`, spec.shape, 'temp', spec.dtype ?? this.activations);
    }
    this.nodes.push({ id: this.nodes.length, op, inputs: present, outputs: made, attrs, block: this.block });
    return made;
  }

  /** Runs `build` with `block` as the module name of its nodes. */
  within<T>(block: string, build: () => T): T {
    const outer = this.block;
    this.block = block;
    try {
      return build();
    } finally {
      this.block = outer;
    }
  }
}

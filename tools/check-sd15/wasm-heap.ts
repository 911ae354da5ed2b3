// In: nothing; loaded before a WebAssembly program starts. Out: how many bytes of memory that program has asked for so far (it never gives any back).

const memories: WebAssembly.Memory[] = [];
const { instantiate } = WebAssembly;

// A program either brings its memory in (made with this constructor) or exports one of its own.
WebAssembly.Memory = class extends WebAssembly.Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor);
    memories.push(this);
  }
};
WebAssembly.instantiate = (async (source: BufferSource, imports?: WebAssembly.Imports) => {
  const result = await instantiate(source, imports);
  const { exports } = 'instance' in result ? (result as WebAssembly.WebAssemblyInstantiatedSource).instance : result;
  for (const exported of Object.values(exports as WebAssembly.Exports))
    if (exported instanceof WebAssembly.Memory) memories.push(exported);
  return result;
}) as typeof instantiate;

export const wasmBytes = (): number =>
  [...new Set(memories.map((m) => m.buffer))].reduce((sum, buffer) => sum + buffer.byteLength, 0);

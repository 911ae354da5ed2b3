// A LoRA file's metadata in; the scale of a module, as newer diffusers (≥ 0.34) writes peft's settings in a JSON string there, out.

/**
 * `scale(module, rank)`: peft's lora_alpha / rank, or / √rank where it says `use_rslora`; 1 where the file says nothing. Text that is not what
 * diffusers writes says nothing.
 */
export function peftScales(metadata: Readonly<Record<string, string>>): (module: string, rank: number) => number {
  const config = parse(metadata.lora_adapter_metadata);
  const said = (key: string): unknown => config[`unet.${key}`] ?? config[key];
  const alpha = number(said('lora_alpha'));
  const pattern = said('alpha_pattern');
  const exceptions = isRecord(pattern) ? Object.entries(pattern) : [];
  const divisor = (rank: number) => (said('use_rslora') === true ? Math.sqrt(rank) : rank);
  // peft matches a pattern at the end of a module's name, from a dot on.
  return (module, rank) => {
    const exception = exceptions.find(([suffix]) => module === suffix || module.endsWith(`.${suffix}`));
    const own = number(exception?.[1]) ?? alpha;
    return own === null ? 1 : own / divisor(rank);
  };
}

function parse(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

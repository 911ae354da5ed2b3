// A LoRA file's metadata in; the alpha of a module, as newer diffusers (≥ 0.34) writes it in a JSON string there, out.

/** `alpha(module)`, or null where the file says nothing. Text that is not what diffusers writes says nothing. */
export function peftAlphas(metadata: Readonly<Record<string, string>>): (module: string) => number | null {
  const config = parse(metadata.lora_adapter_metadata);
  const alpha = number(config['unet.lora_alpha'] ?? config.lora_alpha);
  const pattern = config['unet.alpha_pattern'] ?? config.alpha_pattern;
  const exceptions = isRecord(pattern) ? Object.entries(pattern) : [];
  // peft matches a pattern at the end of a module's name, from a dot on.
  return (module) => {
    const exception = exceptions.find(([suffix]) => module === suffix || module.endsWith(`.${suffix}`));
    return number(exception?.[1]) ?? alpha;
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

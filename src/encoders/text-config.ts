// The text encoder's config.json in; the sizes of its graph out. Anything that would compute something else is refused by name.
import { ConfigReader } from '../model/config-reader.ts';

export interface TextConfig {
  vocabSize: number;
  width: number;
  mlpWidth: number;
  layers: number;
  heads: number;
  positions: number; // tokens of a prompt, padding included
  activation: 'quick_gelu' | 'gelu';
  epsilon: number;
}

/**
 * Reads what transformers' CLIPTextConfig reads, with its defaults. Keys it does not know compute nothing there and are ignored here.
 * Throws Trouble 'not-this-family' for another architecture, activation or a setting that changes the numbers.
 */
export function readTextConfig(config: unknown): TextConfig {
  const read = new ConfigReader('text_encoder/config.json', config);
  read.oneOf('model_type', 'clip_text_model');
  const architectures = read.get('architectures') ?? ['CLIPTextModel'];
  // The projection of the second one comes after the hidden states that Stable Diffusion reads.
  if (
    !Array.isArray(architectures) ||
    !architectures.every((a) => a === 'CLIPTextModel' || a === 'CLIPTextModelWithProjection')
  ) {
    throw read.refuse('architectures', '["CLIPTextModel"]', JSON.stringify(architectures));
  }
  // diffusers' pipeline hands the padding mask to an encoder that asks for it; Stable Diffusion's never does.
  read.oneOf('use_attention_mask', false, null);
  if (read.get('quantization_config')) {
    throw read.refuse(
      'quantization_config',
      'absent (f32, f16 or bf16 weights)',
      JSON.stringify(read.get('quantization_config')),
    );
  }
  const result: TextConfig = {
    vocabSize: read.count('vocab_size', 49408),
    width: read.count('hidden_size', 512),
    mlpWidth: read.count('intermediate_size', 2048),
    layers: read.count('num_hidden_layers', 12),
    heads: read.count('num_attention_heads', 8),
    positions: read.count('max_position_embeddings', 77),
    activation: read.oneOf('hidden_act', 'quick_gelu', 'gelu'),
    epsilon: read.positive('layer_norm_eps', 1e-5),
  };
  if (result.width % result.heads !== 0) {
    throw read.refuse('num_attention_heads', `a divisor of hidden_size ${result.width}`, String(result.heads));
  }
  return result;
}

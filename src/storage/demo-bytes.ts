// Written by tools/demo-model/install.py: bytes of the bundled model, known before its manifest was asked for.
export const DEMO_BYTES = 29_347_119;

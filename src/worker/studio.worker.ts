// placeholder until the sessions below are wired
export {};

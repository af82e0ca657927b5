/** What tell-memory.mjs is to TypeScript. */
export function tellMemory(): void;

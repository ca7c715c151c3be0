/** Something that others listen to: `on(type, listener)`, and `emit(type, detail)` from inside. */
export class Emitter {
  #listeners = new Map();

  /** Calls `listener(detail)` at every `type`; returns a function that ends this. */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Tells every listener of `type`, in the order they came. */
  emit(type, detail) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) listener(detail);
  }
}

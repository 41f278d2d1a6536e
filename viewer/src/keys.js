import { useLayoutEffect } from "preact/hooks";

// Each key acts on what the one before it has made, drawn or not: an effect after painting would come too late for keys
// that are pressed, or repeated, within one frame.
export function useKeys(press) {
  useLayoutEffect(() => {
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
}

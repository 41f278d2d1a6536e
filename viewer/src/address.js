// What the end of the address names: `#run=2&frame=30` by place, `#seq=7` by a frame's number.

export function at(name) {
  const found = new RegExp(`[#&]${name}=(\\d+)`).exec(location.hash);
  return found ? Number(found[1]) : null;
}

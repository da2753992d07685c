// The page's data, and numbers as text.

const page = decode(JSON.parse(document.getElementById("data").textContent));
const SVG = document.getElementById("svg").namespaceURI;
const HUES = [
  "#18c8e4",
  "#957a18",
  "#a8d890",
  "#c0608f",
  "#9064ee",
  "#eebb10",
  "#dd4f5f",
  "#647cc4",
];

function decode(value) {
  if (Array.isArray(value)) return value.map(decode);
  if (value === null || typeof value !== "object") return value;
  if (!("$" in value))
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, decode(v)]));
  const bytes = Uint8Array.from(atob(value.data), (c) => c.charCodeAt(0));
  const kinds = { float32: Float32Array, int16: Int16Array, int32: Int32Array };
  let values = new kinds[value.$](bytes.buffer);
  if (value.scale) values = Float32Array.from(values, (x) => x * value.scale);
  return { shape: value.shape, values };
}

/** The k-th entry along the first axis of an array. */
function part(array, k) {
  const size = array.values.length / array.shape[0];
  return array.values.subarray(k * size, (k + 1) * size);
}

function largest(values) {
  let most = 0;
  for (const x of values) most = Math.max(most, Math.abs(x));
  return most || 1;
}

function format(x) {
  const size = Math.abs(x);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return x.toExponential(1);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return (x < 0 ? "\u2212" : "") + size.toFixed(digits);
}

const signed = (x) => (x > 0 ? "+" : "") + format(x);
const percent = (x) => (x >= 0.0995 ? `${Math.round(100 * x)} %` : `${(100 * x).toPrecision(2)} %`);
const clamp = (x, most) => Math.max(0, Math.min(most, x));

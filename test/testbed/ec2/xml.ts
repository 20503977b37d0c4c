/** A value of an answer: a list becomes `<item>`s, what is undefined is left out. */
export type Node = string | number | boolean | undefined | readonly Node[] | { readonly [key: string]: Node };

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (found) => ESCAPES[found] ?? found);
}

export function element(name: string, value: Node): string {
  if (value === undefined) return '';
  return `<${name}>${content(value)}</${name}>`;
}

function content(value: Exclude<Node, undefined>): string {
  if (Array.isArray(value)) return value.map((item) => element('item', item)).join('');
  if (typeof value !== 'object') return escaped(String(value));
  return Object.entries(value)
    .map(([key, item]) => element(key, item))
    .join('');
}

const NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';

export function answerXml(action: string, requestId: string, body: { readonly [key: string]: Node }): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="${NAMESPACE}">${content({ requestId, ...body })}</${action}Response>`;
}

export function errorXml(code: string, message: string, requestId: string): string {
  const error = element('Error', { Code: code, Message: message });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors>${error}</Errors>${element('RequestID', requestId)}</Response>`;
}

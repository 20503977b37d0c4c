const htmlEscapes: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

/** As Go's HTMLEscapeString. */
export function htmlEscape(text: string): string {
  return text.replace(/[\0"'&<>]/g, (character) => htmlEscapes[character] ?? character);
}

const unicode = (character: string) =>
  `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;

/** As Go's JSEscapeString: safe between quotes in a script. */
export function jsEscape(text: string): string {
  return text.replace(/[\\'"]/g, '\\$&').replace(/[\u0000-\u001f<>&=\u0080-\u009f\u2028\u2029]/g, unicode);
}

/** As Go's url.QueryEscape. */
export function urlEscape(text: string): string {
  const sound = text.replace(
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    '\ufffd',
  );
  return encodeURIComponent(sound)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

/** Go's encoding/json writes these so that the text can stand in a web page. */
export function jsonSafe(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (character) => unicode(character).toLowerCase());
}

(function (source) {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const OPEN = "\uE000", CLOSE = "\uE001";  // around the number of an expression in an attribute
  const marks = [];

  // Source -> script, styles and a template in which numbers stand for what is in braces.

  function part(tag) {
    let found = "";
    const block = new RegExp("<" + tag + "[^>]*>([^]*?)</" + tag + ">", "g");
    source = source.replace(block, (_, inner) => { found += inner; return ""; });
    return found;
  }

  const script = part("script");
  const css = part("style");
  const double = source.includes("{{");
  const braces = double ? /\{\{\{([^]*?)\}\}\}|\{\{([^]*?)\}\}/y : /\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}/y;

  function markBraces(text) {
    let out = "", inTag = false, quote = "", directive = false;
    for (let i = 0; i < text.length;) {
      braces.lastIndex = i;
      // What directives say is code as it stands: its braces are JavaScript's.
      const found = directive || text.startsWith("<!--", i) ? null : braces.exec(text);
      if (found) {
        const html = double && found[1] !== undefined;
        const code = (html ? "@html " + found[1] : found[2] || found[1] || "").trim();
        const n = marks.push(code) - 1;
        // Comments stay where they are, in tables, too, where text would be moved out.
        out += inTag ? OPEN + n + CLOSE : "<!--" + n + "-->";
        i += found[0].length;
        continue;
      }
      if (text.startsWith("<!--", i)) {
        const end = text.indexOf("-->", i);
        i = end < 0 ? text.length : end + 3;
        continue;
      }
      const c = text[i++];
      if (!inTag && c === "<" && /[a-zA-Z/]/.test(text[i] || "")) inTag = true;
      else if (inTag && quote) { if (c === quote) { quote = ""; directive = false; } }
      else if (inTag && (c === '"' || c === "'")) {
        quote = c;
        directive = /\s(?:on|bind|ref|use|in|out|transition):[\w:-]*\s*=\s*$/.test(out.slice(-99));
      }
      else if (inTag && c === ">") inTag = false;
      out += c;
    }
    return out;
  }

  // Expressions see the component's values and nothing else's by mistake: what is not there is
  // undefined, unless the page has it.

  function evaluator(code, statement) {
    const body = statement ? code : "return (" + code + "\n);";
    const run = new Function("scope", "event", "with (scope) { " + body + " }");
    return (scope, event, element) => run.call(element, forgiving(scope), event);
  }

  function forgiving(scope) {
    return new Proxy(scope, {
      has: (values, key) => key !== "event" && (key in values || !(key in globalThis)),
      get: (values, key) => (key === Symbol.unscopables ? undefined : values[key]),
    });
  }

  // Template -> functions from a scope to a list of what is to be in the page.

  function compileAll(nodes) {
    const cursor = { nodes: Array.from(nodes), at: 0 };
    return compileUntil(cursor).render;
  }

  function compileUntil(cursor) {
    const parts = [];
    while (cursor.at < cursor.nodes.length) {
      const node = cursor.nodes[cursor.at++];
      if (node.nodeType === Node.COMMENT_NODE) {
        const code = marks[Number(node.data)];
        const stop = /^(?:\/|:?else\b|:?elseif\b)/.exec(code);
        if (stop) return { render: joined(parts), stop: code };
        parts.push(compileMark(code, cursor));
      } else if (node.nodeType === Node.TEXT_NODE) {
        const text = node.data;
        parts.push(() => [{ text }]);
      } else if (node.nodeType === Node.ELEMENT_NODE) {
        parts.push(compileElement(node));
      }
    }
    return { render: joined(parts), stop: "" };
  }

  function joined(parts) {
    return (scope) => parts.flatMap((render) => render(scope));
  }

  function compileMark(code, cursor) {
    if (code.startsWith("#if ")) return compileIf(code.slice(4), cursor);
    if (code.startsWith("#each ")) return compileEach(code.slice(6), cursor);
    if (code.startsWith("@html ")) {
      const value = evaluator(code.slice(6));
      return (scope) => [{ html: shown(value(scope)) }];
    }
    const value = evaluator(code);
    return (scope) => [{ text: shown(value(scope)) }];
  }

  function compileIf(condition, cursor) {
    const test = evaluator(condition);
    const then = compileUntil(cursor);
    const other = compileElse(then.stop, cursor);
    return (scope) => (test(scope) ? then.render(scope) : other(scope));
  }

  function compileElse(stop, cursor) {
    const again = /^:?else\s*if\s+([^]*)$/.exec(stop);
    if (again) return compileIf(again[1], cursor);
    return /^:?else$/.test(stop) ? compileUntil(cursor).render : () => [];
  }

  function compileEach(head, cursor) {
    const [, list, item, index] = /^([^]*?)\s+as\s+([\w$]+)(?:\s*,\s*([\w$]+))?/.exec(head);
    const values = evaluator(list);
    const body = compileUntil(cursor);
    const empty = compileElse(body.stop, cursor);
    return (scope) => {
      const all = Array.from(values(scope) || []);
      if (!all.length) return empty(scope);
      return all.flatMap((value, i) => {
        const inner = Object.create(scope);
        define(inner, item, value);
        if (index) define(inner, index, i);
        return body.render(inner);
      });
    };
  }

  function define(scope, name, value) {
    Object.defineProperty(scope, name, { value, enumerable: true, configurable: true });
  }

  function compileElement(node) {
    const tag = node.localName, svg = node.namespaceURI === SVG;
    const steps = Array.from(node.attributes, compileAttribute);
    const children = compileAll(node.childNodes);
    return (scope) => {
      const element = { tag, svg, attributes: {}, properties: {}, listeners: {}, ref: null };
      for (const step of steps) step(element, scope);
      element.children = children(scope);
      return [element];
    };
  }

  function compileAttribute({ name, value }) {
    const [kind, detail] = name.startsWith(":") ? ["", name.slice(1)] : name.split(":");
    if (name.startsWith("on:")) {
      const run = evaluator(value, true);
      return (element, scope) => {
        element.listeners[detail] = (event) => run(scope, event, event.currentTarget);
      };
    }
    if (name.startsWith("bind:")) return compileBinding(detail, value || detail);
    if (name.startsWith("ref:")) return (element) => { element.ref = detail; };
    if (["transition", "in", "out", "use"].includes(kind)) return () => {};
    const get = name.startsWith(":") ? evaluator(detail) : compileText(value);
    const target = name.startsWith(":") ? detail : name;
    return (element, scope) => {
      const got = get(scope);
      if (got === false || got === null || got === undefined) return;
      element.attributes[target] = got === true ? "" : String(got);
      if (target === "value" || target === "checked") element.properties[target] = got;
    };
  }

  function compileText(text) {
    const pieces = text.split(new RegExp(OPEN + "(\\d+)" + CLOSE));
    const parts = pieces.map((piece, i) => (i % 2 ? evaluator(marks[piece]) : () => piece));
    if (parts.length === 3 && !pieces[0] && !pieces[2]) return parts[1];
    return (scope) => parts.map((get) => shown(get(scope))).join("");
  }

  function compileBinding(property, name) {
    const value = evaluator(name);
    return (element, scope) => {
      element.properties[property] = value(scope);
      const take = (event) => {
        const input = event.currentTarget, numeric = /^(?:range|number)$/.test(input.type);
        scope.set({ [name]: numeric ? Number(input[property]) : input[property] });
      };
      element.listeners.input = element.listeners.change = take;
    };
  }

  function shown(value) {
    return value === null || value === undefined ? "" : String(value);
  }

  // Page: elements stay where they can, so that the mouse does not leave them on each change.

  function update(parent, wanted, refs) {
    const list = wanted.flatMap((item) => (item.html === undefined ? [item] : raw(item.html)));
    list.forEach((item, i) => {
      const old = parent.childNodes[i];
      const node = fits(old, item) ? old : create(item);
      if (node !== old) old ? parent.replaceChild(node, old) : parent.appendChild(node);
      if (item.text !== undefined) { if (node.data !== item.text) node.data = item.text; }
      else if (item.tag) fill(node, item, refs);
    });
    while (parent.childNodes.length > list.length) parent.lastChild.remove();
  }

  function raw(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return Array.from(template.content.childNodes, (node) => ({ node }));
  }

  function fits(old, item) {
    if (!old || item.node) return false;
    if (item.text !== undefined) return old.nodeType === Node.TEXT_NODE;
    return old.localName === item.tag && old.lucidAttributes !== undefined;
  }

  function create(item) {
    if (item.node) return item.node;
    if (item.text !== undefined) return document.createTextNode(item.text);
    const node = item.svg ? document.createElementNS(SVG, item.tag) : document.createElement(item.tag);
    node.lucidAttributes = {};
    node.lucidListeners = {};
    return node;
  }

  function fill(node, item, refs) {
    for (const name in node.lucidAttributes) {
      if (!(name in item.attributes)) node.removeAttribute(name);
    }
    for (const [name, value] of Object.entries(item.attributes)) {
      if (node.getAttribute(name) !== value) node.setAttribute(name, value);
    }
    node.lucidAttributes = item.attributes;
    for (const type of Object.keys(item.listeners)) {
      if (!(type in node.lucidListeners)) {
        node.addEventListener(type, (event) => {
          const listener = node.lucidListeners[type];
          if (listener) listener(event);
        });
      }
    }
    for (const type in node.lucidListeners) node.lucidListeners[type] = null;
    Object.assign(node.lucidListeners, item.listeners);
    update(node, item.children, refs);
    for (const [name, value] of Object.entries(item.properties)) {
      if (node[name] !== value) node[name] = value;
    }
    if (item.ref) refs[item.ref] = node;
  }

  // Component

  const template = document.createElement("template");
  template.innerHTML = markBraces(source).trim();
  const render = compileAll(template.content.childNodes);
  const options = new Function(script.replace(/export\s+default/, "return"))() || {};

  function computedFrom(compute, values) {
    const code = compute.toString();
    const head = (/^[^(=]*\(([^)]*)\)/.exec(code) || /^\s*([\w$]+)\s*=>/.exec(code))[1].trim();
    if (head.startsWith("{")) return () => compute(values);
    const names = head.split(",").map((name) => name.trim()).filter(Boolean);
    return () => compute(...names.map((name) => values[name]));
  }

  return class {
    constructor({ target, data }) {
      this.refs = {};
      this.handlers = {};
      this.root = target.shadowRoot || target.attachShadow({ mode: "open" });
      const style = document.createElement("style");
      style.textContent = css;
      const body = document.createElement("div");
      this.root.replaceChildren(style, body);
      this.body = body;
      this.state = Object.assign(Object.create(this.actions()), options.data && options.data(), data);
      for (const [name, compute] of Object.entries(options.computed || {})) {
        const get = computedFrom(compute, this.state);
        Object.defineProperty(this.state, name, { get, enumerable: true });
      }
      this.render();
      if (options.oncreate) options.oncreate.call(this);
    }

    actions() {
      Object.assign(this, options.methods);
      const own = Object.keys(options.methods || {}).concat("set", "get", "fire", "destroy");
      const bound = own.map((name) => [name, (...given) => this[name](...given)]);
      return { ...options.helpers, ...Object.fromEntries(bound) };
    }

    render() {
      update(this.body, render(this.state), this.refs);
    }

    get(name) {
      return name === undefined ? { ...this.state } : this.state[name];
    }

    set(values) {
      Object.assign(this.state, values);
      this.render();
      this.fire("state", this.state);
    }

    on(name, handler) {
      (this.handlers[name] = this.handlers[name] || []).push(handler);
    }

    observe(name, handler) {
      let before;
      const tell = () => {
        const now = this.state[name];
        if (now !== before) handler.call(this, now, before);
        before = now;
      };
      tell();
      this.on("state", tell);
    }

    fire(name, event) {
      for (const handler of this.handlers[name] || []) handler.call(this, event);
    }

    destroy() {
      this.root.replaceChildren();
    }
  };
});

// Makes the fields of an OCPP request from its JSON schema, and keeps them and the payload
// as JSON in step: whichever of the two was changed last is what is sent.
"use strict";
(() => {
  const form = document.getElementById("request_form");
  if (!form) return;
  const schema = JSON.parse(document.getElementById("request-schema").textContent);
  const fields = document.getElementById("request-fields");
  const text = form.elements.payload;
  const action = form.elements.action;

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const resolve = (part) => {
    if (!part.$ref) return part;
    const place = part.$ref.replace(/^#\//, "").split("/");
    return place.reduce((within, name) => within[name], schema);
  };

  // Each part of the form is an element and a read() of its value: undefined where empty.
  const part = (schemaPart, name, value, required) => {
    const resolved = resolve(schemaPart);
    if (resolved.type === "object") return group(resolved, name, value, required);
    if (resolved.type === "array") return list(resolved, name, value, required);
    return field(resolved, name, value, required);
  };

  const group = (of, name, value, required) => {
    const given = value && typeof value === "object" ? value : {};
    const needed = of.required || [];
    const members = Object.entries(of.properties || {}).filter(([key]) => key !== "customData");
    const parts = members.map(([key, inner]) => [key, part(inner, key, given[key], needed.includes(key))]);
    const known = new Set(members.map(([key]) => key));
    const others = Object.entries(given).filter(([key]) => !known.has(key));
    const element = make("div", { className: name ? "group" : "" });
    if (name) {
      element.classList.toggle("required", required);
      element.append(make("div", { className: "name", textContent: name, title: of.description || "" }));
    }
    element.append(...parts.map(([, inner]) => inner.element));
    const read = () => {
      const found = Object.fromEntries(others);
      for (const [key, inner] of parts) {
        const got = inner.read();
        if (got !== undefined) found[key] = got;
      }
      return required || Object.keys(found).length ? found : undefined;
    };
    return { element, read };
  };

  const list = (of, name, value, required) => {
    const items = [];
    const rows = make("div");
    const add = (item) => {
      const inner = part(of.items, `${name} ${items.length + 1}`, item, true);
      const remove = make("button", { type: "button", className: "button", textContent: "Remove" });
      const row = make("div", {}, inner.element, remove);
      items.push(inner);
      rows.append(row);
      remove.addEventListener("click", () => {
        items.splice(items.indexOf(inner), 1);
        row.remove();
        write();
      });
    };
    const more = make("button", { type: "button", className: "button", textContent: `Add to ${name}` });
    more.addEventListener("click", () => {
      add(undefined);
      write();
    });
    if (Array.isArray(value)) value.forEach(add);
    else if (required) add(undefined);
    const title = make("div", { className: "name", textContent: name, title: of.description || "" });
    const element = make("div", { className: "group" }, title, rows, more);
    element.classList.toggle("required", required);
    const read = () => {
      const found = items.map((item) => item.read()).filter((item) => item !== undefined);
      return required || found.length ? found : undefined;
    };
    return { element, read };
  };

  const options = (values) =>
    ["", ...values].map((value) => make("option", { value, textContent: value || "\u2013" }));

  const local = (value) => {
    const at = new Date(value);
    if (Number.isNaN(at.getTime())) return "";
    return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
  };

  const field = (of, name, value, required) => {
    const isTime = of.format === "date-time";
    const isNumber = of.type === "integer" || of.type === "number";
    let input;
    if (of.enum) {
      input = make("select", {}, ...options(of.enum));
    } else if (of.type === "boolean") {
      input = make("select", {}, ...options(["true", "false"]));
    } else {
      input = make("input", { type: isTime ? "datetime-local" : isNumber ? "number" : "text" });
      if (isTime) input.step = 1;
      if (isNumber) input.step = of.type === "integer" ? 1 : "any";
      if (of.maxLength) input.maxLength = of.maxLength;
    }
    const given = value === undefined || value === null ? "" : String(value);
    input.value = isTime && given ? local(given) : given;
    input.id = `request-field-${(field.count = (field.count || 0) + 1)}`;
    input.dataset.name = name;
    const label = make("label", { htmlFor: input.id, textContent: name, title: of.description || "" });
    const element = make("div", { className: "row" }, label, input);
    element.classList.toggle("required", required);
    const read = () => {
      if (input.value === "") return undefined;
      if (isTime) return new Date(input.value).toISOString();
      if (isNumber) return Number(input.value);
      if (of.type === "boolean") return input.value === "true";
      return input.value;
    };
    return { element, read };
  };

  let root;
  const write = () => {
    text.value = JSON.stringify(root.read() || {}, null, 2);
  };
  const show = (value) => {
    root = part(schema, "", value, true);
    fields.replaceChildren(root.element);
  };

  const parsed = () => {
    try {
      return JSON.parse(text.value || "{}");
    } catch {
      return null;
    }
  };

  fields.addEventListener("input", write);
  text.addEventListener("input", () => {
    const value = parsed();
    if (value && typeof value === "object") show(value);
  });
  action.addEventListener("change", () => {
    location.search = `?action=${encodeURIComponent(action.value)}`;
  });
  const value = parsed();
  show(value || {});
  if (!document.querySelector(".field-payload .errorlist")) {
    document.querySelector(".raw").open = !value;
  }
})();

// Light and dark: the system's choice until the reader makes one. The dark colours are a style sheet of their own, for which this
// decides when it counts; charts ask colors(), so that they agree with the page.
const darkSheet = document.getElementById("dark");
const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
let choice = recall();  // "light", "dark" or null
let printing = false;

const isDark = () => !printing && (choice ?? (systemDark.matches ? "dark" : "light")) === "dark";

// Storage may be closed to pages that come from a file.
function recall() {
  try {
    const value = localStorage.getItem("gradus-theme");
    return value === "light" || value === "dark" ? value : null;
  } catch {
    return null;
  }
}
function remember(value) {
  try {
    localStorage.setItem("gradus-theme", value);
  } catch {
    // The choice holds until the page is left.
  }
}

// Adds the button. Calls `draw` now and whenever the colours have changed.
export function setUpToggle(draw) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "toggle";
  const apply = () => {
    darkSheet.media = isDark() ? "all" : "not all";
    button.textContent = isDark() ? "☀" : "☾";
    button.title = isDark() ? "Light colours" : "Dark colours";
    button.setAttribute("aria-label", button.title);
    draw();
  };
  button.addEventListener("click", () => {
    choice = isDark() ? "light" : "dark";
    remember(choice);
    apply();
  });
  document.querySelector("header").prepend(button);

  apply();
  systemDark.addEventListener("change", apply);
  const print = (state) => () => {
    const before = isDark();
    printing = state;
    if (before !== isDark()) apply();
  };
  window.addEventListener("beforeprint", print(true));
  window.addEventListener("afterprint", print(false));
}

export function colors() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  return {
    dark: isDark(),
    ink: get("--ink"),
    soft: get("--soft"),
    line: get("--line"),
    card: get("--card"),
    series: Array.from({ length: 8 }, (_, i) => get(`--series-${i}`)),
    font: getComputedStyle(document.body).fontFamily,
  };
}

// What stands around every view: header, navigation, and the view of the address.

import { Header } from "./frame/header.tsx";
import { Menu } from "./frame/menu.tsx";
import { View } from "./frame/view.tsx";
import { Toasts } from "./ui/toast.tsx";

export function App() {
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <Menu />
      <View />
      <Toasts />
    </div>
  );
}

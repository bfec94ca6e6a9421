import { useEffect, useRef, useState } from "react";
import { signIn, signOut } from "./session.js";

export function Account({ session, notice }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="account" data-testid="account">
      {notice && (
        <span className="account-notice" role="alert">
          {notice}
        </span>
      )}
      {session ? (
        <>
          <span className="account-name" data-testid="signed-in-as" title={session.user.id}>
            <span className="visually-hidden">Signed in as </span>
            {session.user.displayName}
          </span>
          <button type="button" className="account-button" onClick={signOut}>
            Sign out
          </button>
        </>
      ) : (
        <button type="button" className="account-button primary" onClick={() => setOpen(true)}>
          Sign in
        </button>
      )}
      {isOpen && <SignIn onClose={() => setOpen(false)} />}
    </div>
  );
}

function SignIn({ onClose }) {
  const dialog = useRef(null);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState(null);

  useEffect(() => dialog.current.showModal(), []);

  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      await signIn(form.get("email"), form.get("password"));
      onClose();
    } catch (failure) {
      setError(failure.message);
      setBusy(false);
    }
  };

  return (
    <dialog ref={dialog} className="sign-in" aria-labelledby="sign-in-title" onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id="sign-in-title">Sign in</h2>
        <p>Operations then run in your name, over HTTP and WebSocket.</p>
        <label htmlFor="sign-in-email">E-mail</label>
        <input id="sign-in-email" name="email" type="email" autoComplete="username" required autoFocus />
        <label htmlFor="sign-in-password">Password</label>
        <input
          id="sign-in-password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          aria-describedby={error ? "sign-in-error" : undefined}
        />
        <p id="sign-in-error" className="sign-in-error" role="alert">
          {error}
        </p>
        <div className="sign-in-buttons">
          <button type="button" className="account-button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="account-button primary" disabled={isBusy}>
            {isBusy ? "Signing in…" : "Sign in"}
          </button>
        </div>
      </form>
    </dialog>
  );
}

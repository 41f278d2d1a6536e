"""Texts that hold no secret, though a careless rule takes them for one: they stay as they are, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import uuid

from tests.recording.redact.planted_secrets import opaque


def _digest(name: str, seed: str) -> str:
    return hashlib.new(name, seed.encode()).hexdigest()


def _integrity(seed: str) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(seed.encode()).digest()).decode()


_PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + hashlib.shake_256(b"png").digest(3000)).decode()

#: Code and commands that name a secret without holding one.
CODE: tuple[str, ...] = (
    'api_key = os.environ["OPENAI_API_KEY"]',
    'api_key=os.getenv("API_KEY")',
    "const apiKey = process.env.OPENAI_API_KEY;",
    "client = OpenAI(api_key=settings.openai_api_key)",
    "self.password = password",
    "connect(user=user, password=password)",
    'password = getpass.getpass("Password: ")',
    "password = input('Enter your password: ')",
    "def login(user: str, password: str) -> None: ...",
    "function login(username, password) { return auth(username, password); }",
    "if password == confirm_password: save(password)",
    'if (token === null || token === undefined) { throw new Error("no token"); }',
    "token = response.json()['access_token']",
    "headers = {'Authorization': f'Bearer {token}'}",
    'headers["Authorization"] = "Bearer " + access_token',
    'req.Header.Set("Authorization", "Bearer "+token)',
    "secret = secrets.token_hex(32)",
    "api_key: ${{ secrets.OPENAI_API_KEY }}",
    'curl -H "Authorization: Bearer $OPENAI_API_KEY" https://api.example.com/v1/models',
    "curl -u $USER:$PASSWORD https://example.com",
    "export API_KEY=$(cat key.txt)",
    "export OPENAI_API_KEY=<your key>",
    "DATABASE_URL=postgres://${DB_USER}:${DB_PASSWORD}@db:5432/app",
    "DATABASE_URL=postgres://user:password@localhost/app",
    "password: {{ vault_db_password }}",
    "private String password;",
    "password VARCHAR(255) NOT NULL",
    "password = models.CharField(max_length=128)",
    "api_key: Optional[str] = None",
    "const [password, setPassword] = useState('');",
    '<input type="password" name="password" placeholder="Your password">',
    "password_hash = bcrypt.hashpw(password.encode(), bcrypt.gensalt())",
    "docker run -p 8080:80 -u 1000:1000 image",
    "mkdir -p build && git push -u origin main",
    "mysql -u root -p app",
    "login --password <password> --token TOKEN",
    "for key, value in cookies.items(): print(key, value)",
    "cache_key = f'user:{user_id}'",
    "max_tokens=4096, token_count=17, tokens: 12",
    "raise ValueError('api_key must be set')",
    "SELECT id, password FROM users WHERE token = ?",
    "assert client.api_key is None",
    "password=None, secret=False, token=''",
    "aws_secret_access_key=var.secret_key",
    '<input type="password" name="password" value="">',
    '<label for="password">Password</label><password type="hidden"/><b>Token</b>',
    '<password minlength="8">${DB_PASSWORD}</password>',
    "<password><![CDATA[]]></password><password>\n</password>",
    '<add name="PasswordLength" value="hunter22"/><param value="seven7boats" name="boat"/>',
    'credentials.update(id="cred-12", value="updated-secret-2", type="secret")',
    '["--password-file", "/run/secrets/db1", "--token-file", "token.txt"]',
    '["--password", "--user", "me2"]',
    '["- password", "seven7boats", "-p", "8080:80"]',
    '{"command": "docker", "args": ["run", "-p", "8080:80", "-u", "1000:1000", "-pull7"]}',
    '{"required": ["password", "user_name2"], "enum": ["api_key", "oauth2"]}',
    '[["password", "varchar255"], ["token", "text"]]',
    '{"Key": "Environment", "Value": "staging2"}',
    "fields = ('username', 'password', 'password2')",
    'api_key: SecretStr = SecretStr("")',
    'variable "db_password" {\n  type = string\n  default = ""\n}\nvariable "size" {\n  default = "seven7"\n}',
    "password: |\n  ${DB_PASSWORD}\n",
    "secrets: |\n  GIT_AUTH_TOKEN=${{ secrets.GIT }}\n",
    "password: >\n  The password of the user, at least 8 characters.\n",
    "set -x\necho PASSWORD done2",
    "setx OPENAI_API_KEY %KEY%",
    "PWD=/home/user1\nOLDPWD=/home/user1/work2",
    "docker build --secret id=npm,src=.npmrc .",
)  # fmt: skip

#: What stands in a secret's place.
PLACEHOLDERS: tuple[str, ...] = (
    'api_key="YOUR_API_KEY"',
    'api_key = "your-api-key-here"',
    "OPENAI_API_KEY=sk-...",
    'client = Client(api_key="sk-xxxxxxxxxxxxxxxxxxxxxxxx")',
    "api_key: sk-your-key-here",
    'password = "…"',
    'password = "********"',
    'password: "changeme"',
    '{"api_key": "YOUR_API_KEY", "model": "x"}',
    '{"password": "<password>"}',
    "Authorization: Bearer YOUR_TOKEN",
    "Authorization: Bearer <token>",
    "Authorization: Basic <base64 of user:password>",
    "token=REDACTED&user=me",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "https://user:password@example.com/",
    "https://example.com/?key=YOUR_API_KEY",
)

#: Prose about secrets.
PROSE: tuple[str, ...] = (
    "The password must contain at least 8 characters and 1 digit.",
    "Your password is incorrect, password reset links are valid for 24 hours.",
    "Password: required. Token: optional.",
    "The secret is to whisk the eggs for 10 minutes.",
    "An API key is a string such as the one on your dashboard.",
    "A key file begins with -----BEGIN RSA PRIVATE KEY----- and ends with -----END RSA PRIVATE KEY-----.",
    "A certificate begins with -----BEGIN CERTIFICATE-----",
    "Use basic authentication or a bearer token; Bearer authentication is described below.",
    "The Authorization header: see RFC 9110, section 11.6.2.",
    "Cookie: a small file that a site keeps. Set-Cookie: how it is set.",
    "The token: 'the' has index 5.",
    "Access token expired at 2025-12-05T00:22:57Z",
    "Secret Santa: 24 December, bring a gift under 20 euros.",
    "key: value pairs, primary_key: id, foreign key: user_id",
    "Error code: 404, status code=500, exit code 137",
    "passport=X1234567 is not a password",
    "It takes 2 credentials: one to read and one to write.",
)

#: Values that look random and are no secret, and numbers.
VALUES: tuple[str, ...] = (
    f"commit {_digest('sha1', 'commit')}",
    f"git checkout {_digest('sha1', 'checkout')[:12]}",
    f"sha256:{_digest('sha256', 'image')}",
    f"token count hash {_digest('md5', 'count')}",
    f'"integrity": "{_integrity("left-pad")}"',
    f"    --hash=sha256:{_digest('sha256', 'wheel')}",
    f"request {uuid.UUID(_digest('md5', 'request'))} failed",
    f"id: {uuid.UUID(_digest('md5', 'id'))}",
    f"data:image/png;base64,{_PNG}",
    "h1:" + base64.b64encode(hashlib.sha256(b"go.sum").digest()).decode(),
    '{"credentials": 3, "secrets": 0, "tokens": 17, "password": null, "api_key": true}',
    '{"credentials": {"count": 3, "valid": true}}',
    '{"usage": {"prompt_tokens": 123456, "completion_tokens": 42}, "token": "Hello"}',
    '{"pin": 1234, "code": 123456, "secret": 42, "price": 1.5e-3}',
    '{"properties": {"password": {"type": "string", "description": "The password.", "minLength": 8}}}',
    '{"type": "password", "name": "Password", "required": true}',
    '{"tool": "count_secrets", "arguments": {"secrets": 12}}',
    '{"logprob": -0.31, "bytes": [72, 105], "top_logprobs": []}',
    "https://example.com/?code=404",
    "https://example.com/browse?ticket=BOAT-123&pw=1024",
    '{"session_id": "sess-2024-boats-and-more", "sessionId": "boats-of-2024-and-more"}',
    '{"license": "apache-2.0", "license_key": "mit"}',
    "xoxo-kisses-and-hugs",
    "mysql -u root --password <password> -h localhost <database>",
    "export API_KEY=<api-key>\nnpm run build-the-boats-2024\ncd <dir>",
    "List<Secret> findAllOfThem2024(); Map<String, Secret> byName",
    "fn get() -> Option<Password> { let x = 12345678901; } Vec<u8>",
    "https://example.com/list?sort_key=name&page_token=&code=US",
    "https://api.example.com/v1/chat?api-version=2024-12-01-preview&alt=sse",
    "https://example.com:8080/a?email=someone@example.com",
    "git@github.com:owner/repository.git and ssh://git@example.com:22/a.git",
    "mailto:someone@example.com, https://example.com/a:b@c",
    "chatcmpl-DAlq4osCP9ABJ1HyXFBoYWylMg0bi",
    "call_Cow46pNllpDx0pxUgZFeqlh1 toolu_01Lfr3kUnHMZApePPRWMv1uS",
    "resp_0fabc13af1ee0049006a691dfdab8881a1a75f2db7ff78cb83",
    "a task-oriented-dialogue-system-2024 with risk-averse-investors-of-2023",
    f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{opaque('public', 43)} me@example.com",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:database-AbCdEf",
    "op://vault/database/password",
    "projects/1234/secrets/api-key/versions/latest",
    "POST /oauth/token HTTP/1.1",
    "1700000000, 4111, 0x7fff5fbff8c0, 12:34:56, 192.168.0.1",
    "grant_type=password&scope=read",
    "const apiKey = process.env.OPENAI_API_KEY!;",
    "password: required|min:8|confirmed",
    "auth: oauth2",
    "r8_kernel_size_and_more_of_it and xai-explainability-methods-2024",
    "fc-barcelona, ak-47, as-is, key_metrics, ATTACK, 00D level!, sl.u.p, /botanical:AAB, APIM and AZDO",
    "sqlcmd -S db -i file.sql; ssh-keygen -t ed25519 -N ''; curl -b cookies.txt https://example.com",
    "src/main.py:1234: error: no such name",
    "tests_pass=12 first_pass: true bypass=sometimes12",
    "lorem ipsum " * 20,
)

INNOCENT: tuple[str, ...] = CODE + PLACEHOLDERS + PROSE + VALUES

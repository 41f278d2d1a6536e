"""More secrets to plant: keys of further services, and secrets that the text around them announces. None is real."""

from __future__ import annotations

import base64

from tests.recording.redact.planted_secrets import (
    BASE64,
    HEX,
    Planted,
    jwt_of,
    key as _key,
    named as _named,
    opaque as _opaque,
    upper as _upper,
)

_URL64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_BECH32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def _mixed(seed: str, length: int) -> str:
    return _opaque(seed, length, _URL64)


def _hex(seed: str, length: int) -> str:
    return _opaque(seed, length, HEX)


def _uuid(seed: str) -> str:
    digits = _hex(seed, 32)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _lines(seed: str, count: int) -> str:
    return "\n".join(_opaque(f"{seed}{line}", 64, BASE64) for line in range(count))


def _fence(kind: str, inside: str) -> str:
    # Joined here, so that no scanner takes this file for a key.
    begin, end = (f"-----{word} {kind}-----" for word in ("BEGIN", "END"))
    return f"{begin}\n{inside}\n{end}\n"


#: Keys of services, found by their form.
SERVICES: tuple[Planted, ...] = (
    _key("elevenlabs", "sk_", _hex("elevenlabs", 48)),
    _key("voyage", "pa-", _mixed("voyage", 43), "VOYAGE: @@"),
    _key("jina", "jina_", _mixed("jina", 60)),
    _key("together", "tgp_v1_", _mixed("together", 43)),
    _key("langfuse", "sk-lf-", _uuid("langfuse")),
    _key("runpod", "rpa_", _upper("runpod", 46)),
    _key("newrelic-user", "NRAK-", _upper("newrelic", 27)),
    _key("newrelic-insert", "NRII-", _mixed("newrelic-insert", 32)),
    _key("grafana-service-account", "glsa_", f"{_opaque('grafana', 32)}_{_hex('grafana2', 8)}"),
    _key("grafana-cloud", "glc_", _opaque("grafana-cloud", 64, BASE64)),
    _key("grafana-api", "eyJrIjoi", _opaque("grafana-api", 80)),
    _key("sentry-user", "sntryu_", _hex("sentry", 64)),
    _key("honeycomb", "hcaik_", f"01{_opaque('honeycomb', 56).lower()}"),
    _key("dynatrace", "dt0c01.", f"{_upper('dynatrace', 24)}.{_upper('dynatrace2', 64)}"),
    _key("posthog", "phx_", _opaque("posthog", 43)),
    _key("notion", "ntn_", _opaque("notion", 46)),
    _key("notion-old", "secret_", _opaque("notion-old", 43)),
    _key("figma", "figd_", _mixed("figma", 40)),
    _key("atlassian", "ATATT3xFfGF0", f"{_mixed('atlassian', 180)}=12345678"),
    _key("bitbucket-app", "ATBB", _opaque("bitbucket", 32)),
    _key("airtable", "pat", f"{_opaque('airtable', 14)}.{_hex('airtable2', 64)}"),
    _key("postman", "PMAK-", f"{_hex('postman', 24)}-{_hex('postman2', 34)}"),
    _key("doppler", "dp.pt.", _opaque("doppler", 43)),
    _key("doppler-service", "dp.st.", f"prd.{_opaque('doppler-service', 43)}"),
    _key("supabase", "sbp_", _hex("supabase", 40)),
    _key("supabase-secret", "sb_secret_", _mixed("supabase-secret", 31)),
    _key("planetscale-token", "pscale_tkn_", _mixed("planetscale", 43)),
    _key("planetscale-password", "pscale_pw_", _mixed("planetscale-pw", 43)),
    _key("1password-service", "ops_eyJ", _opaque("1password", 300)),
    _key("1password-secret-key", "A3-", "-".join(_upper(f"1p{i}", n) for i, n in enumerate((6, 6, 5, 5, 5, 5)))),
    _key("age", "AGE-SECRET-KEY-1", _opaque("age", 58, _BECH32).replace("a7", "QP")),
    _key("gitlab-deploy", "gldt-", _mixed("gitlab-deploy", 20)),
    _key("gitlab-runner", "glrt-", _mixed("gitlab-runner", 20)),
    _key("gitlab-ci-job", "glcbt-", f"a1_{_mixed('gitlab-job', 20)}"),
    _key("discord-bot", "", f"MTA{_opaque('discord-bot', 23)}.G{_opaque('d2', 5)}.{_mixed('discord-bot3', 38)}"),
    _key("terraform", "", f"{_opaque('terraform', 14)}.atlasv1.{_mixed('terraform2', 67)}"),
    _key("pulumi", "pul-", _hex("pulumi", 40)),
    _key("fly", "fm2_", _opaque("fly", 120, BASE64), "FlyV1 @@"),
    _key("heroku", "HRKU-", f"AA{_mixed('heroku', 58)}"),
    _key("netlify", "nfp_", _opaque("netlify", 36)),
    _key("vercel", "vcp_", _mixed("vercel", 56)),
    _key("cloudflare-origin-ca", "v1.0-", f"{_hex('cloudflare', 24)}-{_hex('cloudflare2', 146)}"),
    _key("tailscale", "tskey-api-", f"k{_opaque('tailscale', 16)}-{_opaque('tailscale2', 32)}"),
    _key("rubygems", "rubygems_", _hex("rubygems", 48)),
    _key("crates", "cio", _opaque("crates", 32)),
    _key("nuget", "oy2", _opaque("nuget", 43).lower()),
    _key("artifactory", "AKCp", _opaque("artifactory", 69)),
    _key("circleci", "CCIPAT_", f"{_opaque('circleci', 22)}_{_hex('circleci2', 40)}"),
    _key("buildkite", "bkua_", _hex("buildkite", 40)),
    _key("sonar", "sqp_", _hex("sonar", 40)),
    _key("square", "sq0atp-", _mixed("square", 22)),
    _key("square-production", "EAAA", _mixed("square-production", 60)),
    _key("braintree", "access_token$production$", f"{_hex('bt', 16)}${_hex('braintree', 32)}"),
    _key("razorpay", "rzp_live_", _opaque("razorpay", 14)),
    _key("shopify-app", "shpss_", _hex("shopify-app", 32)),
    _key("plaid", "access-production-", _uuid("plaid")),
    _key("mailchimp", "", f"{_hex('mailchimp', 32)}-us12"),
    _key("brevo", "xkeysib-", f"{_hex('brevo', 64)}-{_opaque('brevo2', 16)}"),
    _key("resend", "re_", f"{_opaque('resend', 8)}_{_opaque('resend2', 24)}"),
    _key("facebook", "EAAC", _opaque("facebook", 150)),
    _key("alibaba", "LTAI", _opaque("alibaba", 20)),
    _key("yandex", "AQVN", _mixed("yandex", 36), "yandex: @@"),
    _key("contentful", "CFPAT-", _mixed("contentful", 43)),
    _key("typeform", "tfp_", _mixed("typeform", 59)),
    _key("databento", "db-", _opaque("databento", 29)),
    _key("easypost", "EZAK", _opaque("easypost", 54)),
    _key("duffel", "duffel_live_", _mixed("duffel", 43)),
    _key("frameio", "fio-u-", _mixed("frameio", 64)),
    _key("readme", "rdme_", _opaque("readme", 70).lower()),
    _key("prefect", "pnu_", _opaque("prefect", 36).lower()),
    _key("infracost", "ico-", _opaque("infracost", 32)),
    _key("adobe", "p8e-", _opaque("adobe", 32).lower()),
    _key("jwt-of-a-service-role", "eyJ", jwt_of("service_role")[3:]),
    _key("cartesia", "sk_car_", _opaque("cartesia", 22)),
    _key("helicone", "sk-helicone-", "-".join(_opaque(f"helicone{part}", 7).lower() for part in range(4))),
    _key("firecrawl", "fc-", _hex("firecrawl", 32)),
    _key("e2b", "e2b_", _hex("e2b", 40)),
    _key("langsmith-old", "ls__", _hex("langsmith-old", 32)),
    _key("huggingface-organization", "api_org_", "".join(filter(str.isalpha, _opaque("huggingface-org", 60)))[:34]),
    _key("google-authorization-key", "AQ.Ab8", _mixed("google-authorization", 47)),
    _key("modal", "as-", _opaque("modal", 22)),
    _key("composio", "ak_", _opaque("composio", 20)),
    _key("browserbase", "bb_live_", _opaque("browserbase", 27)),
    _key("scrapfly", "scp-live-", _hex("scrapfly", 32)),
    _key("cursor", "crsr_", _hex("cursor", 64)),
    _key("copilot", "tid=1;exp=2;8kp=1:", _hex("copilot", 64)),
    _key("azure-storage-alone", "", f"{_opaque('azure-storage', 76, BASE64)}+ASt{_opaque('ast', 4)}1Q==", "send @@ on"),
    _key("azure-cosmos", "", f"{_opaque('azure-cosmos', 76, BASE64)}ACDb{_opaque('acdb', 4)}1Q=="),
    _key("azure-functions", "", f"{_opaque('azure-functions', 44)}AzFu{_opaque('azfu', 5)}Q=="),
    _key("azure-search", "", f"{_opaque('azure-search', 42)}AzSe{_opaque('azse', 6)}"),
    _key("azure-redis", "", f"{_opaque('azure-redis', 33)}AzCaB{_opaque('azca', 5)}="),
    _key("azure-devops", "", f"{_opaque('azure-devops', 76)}AZDO{_opaque('azdo', 4)}"),
    _key(
        "telegram-address", "https://api.telegram.org/bot1234567890:", f"AA{_mixed('telegram-address', 33)}", "@@/getMe"
    ),
    _key("zapier-webhook", "https://hooks.zapier.com/hooks/catch/", f"1234567/{_opaque('zapier', 7).lower()}"),
    _key("infura", "https://mainnet.infura.io/v3/", _hex("infura", 32)),
    _key("newrelic-license", "", f"{_hex('newrelic-license', 36)}NRAL"),
    _key("tailscale-auth", "tskey-auth-", f"k{_opaque('tailscale-auth', 12)}CNTRL-{_opaque('tailscale-auth2', 32)}"),
    _key("laravel", "APP_KEY=base64:", f"{_opaque('laravel', 43, BASE64)}="),
    _key("hubspot", "pat-na1-", _uuid("hubspot")),
    _key("salesforce", f"00D{_opaque('salesforce', 12)}!", _opaque("salesforce2", 96)),
    _key("asana", "1/1200000000000000:", _hex("asana", 32)),
    _key("trello", "ATTA", _hex("trello", 64)),
    _key("dropbox", "sl.u.", _mixed("dropbox", 130)),
)

_PASSWORD = f"{_opaque('announced', 6)}!{_opaque('announced2', 6)}"


#: Secrets that have no form of their own: the text around them says what they are.
ANNOUNCED: tuple[Planted, ...] = (
    _named("authorization-token", "Authorization: token @@", _opaque("auth-token", 40)),
    _named("authorization-apikey", "Authorization: ApiKey @@", _opaque("auth-apikey", 32)),
    _named("authorization-negotiate", "Authorization: Negotiate @@", _opaque("negotiate", 80, BASE64)),
    _named("authorization-bare", '-H "Authorization: @@"', _opaque("auth-bare", 40)),
    _named("authorization-signed", 'Authorization: Hawk id="me", mac="@@"', _opaque("hawk", 43)),
    _named(
        "authorization-digest",
        'Authorization: Digest username="me", realm="r", nonce="dcd98b", uri="/x", response="@@", opaque="5c"',
        _hex("digest", 32),
    ),
    _named("proxy-authorization", "Proxy-Authorization: Basic @@", base64.b64encode(b"me:" + _opaque("p", 12).encode()).decode()),
    _named("header-x-api-key", "curl -H 'X-Api-Key: @@' https://example.com", _opaque("x-api-key", 32)),
    _named("header-private-token", "PRIVATE-TOKEN: @@", _opaque("private-token", 20)),
    _named("option-token", "deploy --token @@ --force", _opaque("option-token", 24)),
    _named("option-password", "login --user me --password @@", _PASSWORD),
    _named("option-password-equals", "login --user=me --password=@@", _PASSWORD),
    _named("option-password-quoted", "login --password '@@'", f"{_opaque('oq', 5)} ${_opaque('oq2', 6)}"),
    _named("option-api-key", "tool --api-key=@@ run", _opaque("option-key", 32)),
    _named("curl-user", "curl -u someone:@@ https://example.com", _PASSWORD),
    _named("curl-user-long", "curl --user 'someone:@@' https://example.com", _PASSWORD),
    _named("mysql", "mysql -u root -p@@ app", _PASSWORD),
    _named("mysqldump", "mysqldump -h db -uroot -p'@@' app > dump.sql", _PASSWORD),
    _named("sshpass", "sshpass -p @@ ssh me@example.com", _PASSWORD),
    _named("docker-login", "docker login -u me -p @@ registry.example.com", _PASSWORD),
    _named("redis-cli", "redis-cli -h cache -a @@ ping", _PASSWORD),
    _named("pgpassword", "PGPASSWORD=@@ psql -U me", _PASSWORD),
    _named("mysql-pwd", "MYSQL_PWD=@@ mysql", _PASSWORD),
    _named("helm-set", "helm install x --set auth.password=@@", _opaque("helm", 14)),
    _named("netrc", "machine api.example.com login me password @@", _opaque("netrc", 14)),
    _named("netrc-lines", "machine api.example.com\n  login me\n  password @@\n", _opaque("netrc-lines", 14)),
    _named("kubeconfig-key", "    client-key-data: @@\n", _opaque("kubeconfig", 200, BASE64)),
    _named("kubeconfig-token", "users:\n- name: me\n  user:\n    token: @@\n", _opaque("kubeconfig-token", 40)),
    _named("htpasswd-apr1", "someone:$apr1$@@", f"{_opaque('apr', 8)}${_opaque('apr1', 22)}"),
    _named("htpasswd-bcrypt", "someone:$2y$05$@@", _opaque("bcrypt", 53)),
    _named("shadow", "root:$6$@@:19000:0:99999:7:::", f"{_opaque('salt', 8)}${_opaque('shadow', 86)}"),
    _named("pgp", _fence("PGP PRIVATE KEY BLOCK", "Version: 1\n\n@@\n=ab1C"), _lines("pgp", 4)),
    _named(
        "putty",
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: me\nPublic-Lines: 1\nAAAAB3Nz\n"
        "Private-Lines: 2\n@@\nPrivate-MAC: 00ff\n",
        _lines("putty", 2),
    ),
    _named("pem-encrypted", _fence("ENCRYPTED PRIVATE KEY", "@@"), _lines("pem-encrypted", 3)),
    _named(
        "pem-headers",
        _fence("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\n@@"),
        _lines("pem-headers", 3),
    ),
    _named("pem-one-line", f"key={_fence('PRIVATE KEY', '@@')}".replace("\n", "\\n"), _opaque("pem-line", 120, BASE64)),
    _named("url-password-with-at", "postgres://me:@@@db.example.com/app", f"{_opaque('at', 6)}@{_opaque('at2', 8)}"),
    _named("url-password-with-shell", "amqp://me:@@@mq.example.com", f"{_opaque('sh', 5)}$(x){_opaque('sh2', 8)}"),
    _named("url-password-without-user", "redis://:@@@cache.example.com:6379/0", _opaque("redis", 14)),
    _named("url-mongodb", "mongodb+srv://me:@@@cluster.example.net/?w=majority", _opaque("mongodb", 16)),
    _named("url-query-plus", "https://example.com/?q=so+my+password+is+@@", _opaque("plus", 12)),
    _named("url-query-json", 'https://example.com/?config={"api_key":"@@"}', _opaque("query-json", 24)),
    _named("url-query-json-encoded", "https://example.com/?c=%7B%22password%22%3A%22@@%22%7D", _opaque("qje", 14)),
    _named("url-otp", "otpauth://totp/me?secret=@@&issuer=x", _opaque("otp", 32, _BASE32).upper().replace("7", "B")),
    _named("dotenv", "DB_HOST=db\nDB_PASSWORD=@@\n", _PASSWORD),
    _named("dotenv-quoted", 'STRIPE_WEBHOOK_SECRET="@@"', _opaque("dotenv", 32)),
    _named("shell-export", "export VAULT_TOKEN=@@", _opaque("vault-token", 26)),
    _named("dockerfile", "ENV DATABASE_PASSWORD @@\n", _opaque("dockerfile", 16)),
    _named("yaml", "database:\n  user: me\n  password: @@\n", _PASSWORD),
    _named("toml", 'secret_key = "@@"', _opaque("toml", 40)),
    _named("properties", "spring.datasource.password=@@", _opaque("properties", 14)),
    _named("xml-element", "<user>me</user><password>@@</password>", _opaque("xml", 14)),
    _named("xml-attribute", '<add key="x" password="@@" />', _opaque("xml-attribute", 14)),
    _named("ruby-hash", "{ :user => 'me', :password => '@@' }", _opaque("ruby", 14)),
    _named("javascript", "const client = new Client({ apiKey: '@@' });", _opaque("javascript", 32)),
    _named("python-call", 'Client(api_key="@@", timeout=3)', _opaque("python-call", 32)),
    _named("go", 'apiToken := "@@"', _opaque("go", 32)),
    _named("django", "SECRET_KEY = 'django-insecure-@@'", _opaque("django", 50)),
    _named("jdbc", "jdbc:sqlserver://db:1433;user=me;password=@@;encrypt=true", _opaque("jdbc", 14)),
    _named("odbc", "Driver={X};Server=db;Uid=me;Pwd=@@;", _opaque("odbc", 14)),
    _named("npmrc", "//registry.example.com/:_authToken=@@", _uuid("npmrc")),
    _named("npmrc-auth", "_auth=@@", base64.b64encode(b"me:" + _opaque("npmrc-auth", 14).encode()).decode()),
    _named("docker-config", '{"auths": {"example.com": {"auth": "@@"}}}', base64.b64encode(b"me:" + _opaque("dc", 14).encode()).decode()),
    _named("sql-identified-by", "CREATE USER me IDENTIFIED BY '@@';", _opaque("sql", 14)),
    _named("sql-with-password", "ALTER ROLE me WITH PASSWORD '@@';", _opaque("sql2", 14)),
    _named("powershell", "ConvertTo-SecureString '@@' -AsPlainText -Force", _opaque("powershell", 14)),
    _named("markdown", "**Password:** `@@`", _opaque("markdown", 14)),
    _named("sentence", "My password is @@, please keep it.", _PASSWORD),
    _named("datadog", "DD_API_KEY=@@", _hex("datadog", 32)),
    _named("escaped-json", r'log: {\"api_key\": \"@@\"}', _opaque("escaped", 32)),
    _named("json-answer", 'Here it is: {"user": "me", "password": "@@"}', _opaque("answer", 14)),
    _named("azure-sas-service-bus", "SharedAccessKeyName=x;SharedAccessKey=@@", f"{_opaque('bus', 43, BASE64)}="),
    _named("azure-functions-address", "https://me.azurewebsites.net/api/f?code=@@", f"{_opaque('function', 54)}=="),
    _named("azure-functions-header", "x-functions-key: @@", f"{_opaque('function-header', 54)}=="),
    _named("datadog-application", "DD-APPLICATION-KEY: @@", _hex("datadog-application", 40)),
    _named("setting-pass", "DB_PASS=@@", _opaque("db-pass", 12)),
    _named("field-pass", '{"smtp_pass": "@@"}', _opaque("smtp-pass", 12)),
    _named("curl-cookie", "curl -b 'session=@@' https://example.com", _opaque("curl-cookie", 24)),
    _named("httpie", "http --auth me:@@ https://example.com", _PASSWORD),
    _named("sudo", "echo '@@' | sudo -S apt-get update", _opaque("sudo", 12)),
    _named("sqlplus", "sqlplus -S me/@@@db", _opaque("sqlplus", 12)),
    _named("sqlcmd", "sqlcmd -S db -U sa -P @@", _PASSWORD),
    _named("pgpass", "db.example.com:5432:app:me:@@", _opaque("pgpass", 14)),
    _named("pkce", "https://example.com/token?grant_type=code&code_verifier=@@", _opaque("pkce", 43)),
    _named("ansible", "ansible_become_pass=@@", _opaque("ansible", 14)),
    _named("wifi", "psk=@@", _opaque("wifi", 14)),
)  # fmt: skip

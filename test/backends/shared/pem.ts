// A certificate and its key, for tests of what is read from files. They open nothing: no server ever had them.

/** Signed by itself, for the name leasehold-test. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBiDCCAS+gAwIBAgIUSvFooMoPwApQ6VeKYwlDyT42CkMwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwObGVhc2Vob2xkLXRlc3QwIBcNMjYxMTI3MTAxMTIxWhgPMjEy
NjExMDMxMDExMjFaMBkxFzAVBgNVBAMMDmxlYXNlaG9sZC10ZXN0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAETaJSCKkLyMaFVMK8/6LsI4rmP8lScrxeBftoIPo7
um7a/UKFurCecxAC4tmnBlQybQlQNuIEAAUgq34VxXqBAqNTMFEwHQYDVR0OBBYE
FHGMRx2X3m+tKpJeo8mt6l4sy2NVMB8GA1UdIwQYMBaAFHGMRx2X3m+tKpJeo8mt
6l4sy2NVMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgDI5RXwYH
w/RuUBLK2xrYE30RsGTcKpzEk1qUhEU8YUQCIFij9OZj37EfNGW+Iv3mtHgIruhC
UHou+lmyH5qGLJ3n
-----END CERTIFICATE-----
`

/** Its private key. */
export const privateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkzWTOsfdgH0OsdyM
UOBgd6EFeAzUxxYGzikWqaj1TeahRANCAARNolIIqQvIxoVUwrz/ouwjiuY/yVJy
vF4F+2gg+ju6btr9QoW6sJ5zEALi2acGVDJtCVA24gQABSCrfhXFeoEC
-----END PRIVATE KEY-----
`

/** The same key, encrypted with a passphrase. */
export const encryptedKey = `-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,06CD227566C30309C79C34A49D32BFAF

J2FPjndqsQ/T1kXdyt8S0KjD+Ll+bA5lQXu0Vx881HKi9BlaIChDJC+VcdZDX4XJ
Q/MnOyB6ywsN5s2wg17blCm1IhOx91ts5tJFPl/5rl2/7m+tN7SgK6XaiZafUyhx
asHJkDiUlHASRrsGvxe1fsA3zTvYZAqMSKsG59kALfU=
-----END EC PRIVATE KEY-----
`

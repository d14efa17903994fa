"""Basis sets of PySCF's table by canonical name, and other names. scripts/basis_table.py wrote it."""

NAMES = tuple(
    """
3-21++g 3-21++g* 3-21g 3-21g* 4-31g 6-31++g 6-31++g(d) 6-31++g(d,p) 6-31+g 6-31+g(d) 6-31+g(d,p) 6-311++g 6-311++g(d)
6-311++g(d,p) 6-311+g 6-311+g(d) 6-311+g(d,p) 6-311g 6-311g(d) 6-311g(d,p) 6-31g 6-31g(d) 6-31g(d,p) adzp ano-rcc
ano-roos-dz ano-roos-tz aqzp atzp aug-cc-pv5z aug-cc-pv5z-dk aug-cc-pv5z-pp aug-cc-pvdpdz aug-cc-pvdz aug-cc-pvdz-dk
aug-cc-pvdz-pp aug-cc-pvqz aug-cc-pvqz-dk aug-cc-pvqz-dk3 aug-cc-pvqz-pp aug-cc-pvtz aug-cc-pvtz-dk aug-cc-pvtz-dk3
aug-cc-pvtz-pp aug-cc-pwcv5z aug-cc-pwcv5z-dk aug-cc-pwcvdz aug-cc-pwcvqz aug-cc-pwcvqz-dk aug-cc-pwcvqz-dk3
aug-cc-pwcvtz aug-cc-pwcvtz-dk aug-cc-pwcvtz-dk3 aug-pc-0 aug-pc-1 aug-pc-2 aug-pc-3 aug-pc-4 aug-pcseg-0 aug-pcseg-1
aug-pcseg-2 aug-pcseg-3 aug-pcseg-4 bfd-v5z bfd-vdz bfd-vqz bfd-vtz cc-pcv5z cc-pcv6z cc-pcvdz cc-pcvqz cc-pcvtz
cc-pv5z cc-pv5z-dk cc-pv5z-f12 cc-pv5z-f12rev2 cc-pv5z-pp cc-pvdpdz cc-pvdz cc-pvdz-dk cc-pvdz-f12-nz cc-pvdz-f12rev2
cc-pvdz-pp cc-pvdz-pp-nr cc-pvqz cc-pvqz-dk cc-pvqz-dk3 cc-pvqz-f12-nz cc-pvqz-f12rev2 cc-pvqz-pp cc-pvtz cc-pvtz-dk
cc-pvtz-dk3 cc-pvtz-f12-nz cc-pvtz-f12rev2 cc-pvtz-pp cc-pvtz-pp-nr cc-pwcv5z cc-pwcv5z-dk cc-pwcv5z-pp cc-pwcvdz
cc-pwcvdz-dk cc-pwcvdz-pp cc-pwcvqz cc-pwcvqz-dk cc-pwcvqz-dk3 cc-pwcvqz-pp cc-pwcvtz cc-pwcvtz-dk cc-pwcvtz-dk3
cc-pwcvtz-pp ccecp-28-aug-cc-pv5z ccecp-28-aug-cc-pv6z ccecp-28-aug-cc-pvdz ccecp-28-aug-cc-pvqz ccecp-28-aug-cc-pvtz
ccecp-28-cc-pv5z ccecp-28-cc-pv6z ccecp-28-cc-pvdz ccecp-28-cc-pvqz ccecp-28-cc-pvtz ccecp-36-aug-cc-pv5z
ccecp-36-aug-cc-pv6z ccecp-36-aug-cc-pvdz ccecp-36-aug-cc-pvqz ccecp-36-aug-cc-pvtz ccecp-36-cc-pv5z ccecp-36-cc-pv6z
ccecp-36-cc-pvdz ccecp-36-cc-pvqz ccecp-36-cc-pvtz ccecp-aug-cc-pv5z ccecp-aug-cc-pv6z ccecp-aug-cc-pvdz
ccecp-aug-cc-pvqz ccecp-aug-cc-pvtz ccecp-cc-pv5z ccecp-cc-pv6z ccecp-cc-pvdz ccecp-cc-pvqz ccecp-cc-pvtz
ccecp-he-aug-cc-pv5z ccecp-he-aug-cc-pv6z ccecp-he-aug-cc-pvdz ccecp-he-aug-cc-pvqz ccecp-he-aug-cc-pvtz
ccecp-he-cc-pv5z ccecp-he-cc-pv6z ccecp-he-cc-pvdz ccecp-he-cc-pvqz ccecp-he-cc-pvtz ccecp-reg-aug-cc-pv5z
ccecp-reg-aug-cc-pvdz ccecp-reg-aug-cc-pvqz ccecp-reg-aug-cc-pvtz ccecp-reg-cc-pv5z ccecp-reg-cc-pvdz
ccecp-reg-cc-pvqz ccecp-reg-cc-pvtz crenbl crenbs crystal-cc-pvdz def2-mtzvp def2-mtzvpp def2-qzvp def2-qzvpd
def2-qzvpp def2-qzvppd def2-svp def2-svpd def2-tzvp def2-tzvpd def2-tzvpp def2-tzvppd dyall-2zp dyall-3zp dyall-4zp
dyall-aae2z dyall-aae3z dyall-aae4z dyall-acv2z dyall-acv3z dyall-acv4z dyall-ae2z dyall-ae3z dyall-ae4z dyall-av2z
dyall-av3z dyall-av4z dyall-cv2z dyall-cv3z dyall-cv4z dyall-dz dyall-qz dyall-tz dyall-v2z dyall-v3z dyall-v4z dz dzp
dzp-dkh dzp-dunning dzvp dzvp2 ecp-q-vszp faegre-dz iglo3 lanl08 lanl2dz lanl2tz ma-def2-qzvp ma-def2-qzvpp
ma-def2-svp ma-def2-svpp ma-def2-tzvp ma-def2-tzvpp minao pc-0 pc-1 pc-2 pc-3 pc-4 pcseg-0 pcseg-1 pcseg-2 pcseg-3
pcseg-4 pob-tzvp pob-tzvpp qavg-vszps qzp qzp-dkh sarcdkh sbkjc sto-3g sto-6g stuttgart-dz stuttgart-rsc tzp tzp-dkh
tzv
""".split()
)

# As PySCF looks names up: without hyphens, underscores and blanks.
ALIASES = {
    "321++gs": "3-21++g*",
    "321gs": "3-21g*",
    "631++g*": "6-31++g(d)",
    "631++g**": "6-31++g(d,p)",
    "631++gs": "6-31++g(d)",
    "631++gss": "6-31++g(d,p)",
    "631+g*": "6-31+g(d)",
    "631+g**": "6-31+g(d,p)",
    "631+gs": "6-31+g(d)",
    "631+gss": "6-31+g(d,p)",
    "6311++g*": "6-311++g(d)",
    "6311++g**": "6-311++g(d,p)",
    "6311++gs": "6-311++g(d)",
    "6311++gss": "6-311++g(d,p)",
    "6311+g*": "6-311+g(d)",
    "6311+g**": "6-311+g(d,p)",
    "6311+gs": "6-311+g(d)",
    "6311+gss": "6-311+g(d,p)",
    "6311g*": "6-311g(d)",
    "6311g**": "6-311g(d,p)",
    "6311gs": "6-311g(d)",
    "6311gss": "6-311g(d,p)",
    "631g*": "6-31g(d)",
    "631g**": "6-31g(d,p)",
    "631gs": "6-31g(d)",
    "631gss": "6-31g(d,p)",
    "ano": "ano-rcc",
    "augccpv5zdkh": "aug-cc-pv5z-dk",
    "augccpvdzdkh": "aug-cc-pvdz-dk",
    "augccpvqzdkh": "aug-cc-pvqz-dk",
    "augccpvtzdkh": "aug-cc-pvtz-dk",
    "ccpv5zdkh": "cc-pv5z-dk",
    "ccpvdzdkh": "cc-pvdz-dk",
    "ccpvqzdkh": "cc-pvqz-dk",
    "ccpvtzdkh": "cc-pvtz-dk",
    "dzpdk": "dzp-dkh",
    "iglo": "iglo3",
    "qzpdk": "qzp-dkh",
    "roosdz": "ano-roos-dz",
    "roostz": "ano-roos-tz",
    "stuttgart": "stuttgart-dz",
    "stuttgartrlc": "stuttgart-dz",
    "tzpdk": "tzp-dkh",
}
